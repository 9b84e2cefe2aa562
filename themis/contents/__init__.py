"""Contents of the changed files, before and after, read from the object stores of the repositories."""
