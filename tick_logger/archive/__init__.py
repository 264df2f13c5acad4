"""Finished days, certified, packed, and kept elsewhere."""
