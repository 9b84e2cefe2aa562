"""TODO contents"""
