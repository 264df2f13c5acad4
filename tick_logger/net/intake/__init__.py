"""From frames of one exchange to batches of decoded rows."""
