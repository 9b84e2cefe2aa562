"""Prompts: criteria, system prompts, templates, and the exact token ids of a chat. Training, scoring and generation share it."""
