"""What a recorder shows on the terminal that started it."""
