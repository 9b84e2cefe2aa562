"""TODO dedup"""
