"""Scores of preference pairs: every model's score for both responses, or the reason why there is none."""
