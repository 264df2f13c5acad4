"""What the program says of itself: log lines and numbers.  Not here: who looks at them (`ops`)."""
