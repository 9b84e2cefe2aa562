"""TODO syntax"""
