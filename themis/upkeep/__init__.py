"""What keeps a run going: its state, what it costs, what it needs, and what may be removed. Imports no stage."""
