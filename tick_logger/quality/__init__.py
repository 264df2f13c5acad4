"""Looks at rows once they are on disk, and tells which of them look wrong."""
