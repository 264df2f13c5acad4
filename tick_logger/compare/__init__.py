"""Two recordings of the same time, compared row by row."""
