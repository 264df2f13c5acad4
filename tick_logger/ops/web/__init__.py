"""What is served over HTTP: read only, and never in the way of recording."""
