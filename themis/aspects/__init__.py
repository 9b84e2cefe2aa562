"""TODO aspects"""
