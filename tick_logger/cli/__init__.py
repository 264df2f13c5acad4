"""What a user types: commands, their output, and how a run shows itself."""
