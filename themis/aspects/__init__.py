"""Which criterion a commit improves: search terms, classifiers learnt from them, labels."""
