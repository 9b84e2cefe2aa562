"""TODO sandbox"""
