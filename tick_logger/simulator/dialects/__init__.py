"""The protocols that simulated exchanges speak."""
