"""Generative reward models: a language model that writes a score, asked through the Generator seam."""
