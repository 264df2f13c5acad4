"""One connection's life: its tasks, what it subscribes, what it misses."""
