"""From repositories to commits: tables like the public data set's, the one mining query, and the selection after it."""
