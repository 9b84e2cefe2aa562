"""The one error a user is meant to read: what is wrong, where, and what to do about it."""


class Problem(Exception):
    """Bad input or a precondition that does not hold; the command line prints it as one line and exits 1."""
