"""Why an upgrade does not happen."""

from __future__ import annotations


class RefusedError(Exception):
    """A step cannot be done; its text says which and why."""
