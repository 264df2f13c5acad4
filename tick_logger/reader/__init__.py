"""What was recorded, read by others: today the last rows of a symbol."""
