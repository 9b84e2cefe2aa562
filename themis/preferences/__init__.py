"""Preference pairs: the benchmark, and the two training sets that do not overlap it."""
