"""The generated demo corpus: git repositories whose history is known commit by commit."""
