"""What a venue sent, sent again: the journal takes the place of a simulated exchange's market."""
