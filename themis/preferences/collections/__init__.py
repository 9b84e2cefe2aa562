"""Collections: preference pairs of one source in one schema, the study's own and public ones, before the filters."""
