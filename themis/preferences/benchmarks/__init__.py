"""Public benchmarks: their published files, and tables of your own, as rows of the schema "benchmark"."""
