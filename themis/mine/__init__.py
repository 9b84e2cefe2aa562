"""TODO mine"""
