"""TODO repositories"""
