"""Tells somebody when something is wrong, where no Prometheus watches."""
