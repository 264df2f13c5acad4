"""Torture of the real recorder: real processes and file systems, an oracle of its own."""
