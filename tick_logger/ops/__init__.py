"""What an operator sees: metrics, logs, the terminal view, the status page."""
