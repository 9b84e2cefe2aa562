"""Near-duplicates: MinHash signatures, banded candidates, exact verification, clusters."""
