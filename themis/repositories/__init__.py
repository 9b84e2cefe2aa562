"""Git repositories read safely: log, trees, object batches; no shell, no hooks, their configuration is never read."""
