"""Mutation operators: each module turns a place in the syntax tree into the edits it allows."""
