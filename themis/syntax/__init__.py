"""Syntax trees of the eight languages: parsing, depth, mutation operators."""
