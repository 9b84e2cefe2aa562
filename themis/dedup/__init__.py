"""Near-duplicate removal over the retrieved commits."""
