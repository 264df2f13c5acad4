"""What ends a torture, or keeps it from being tried."""

from __future__ import annotations


class Failed(Exception):
    """The recorder, or the machine, did something that ends a torture; the message says what."""


class MissingToolError(Exception):
    """Something that this machine lacks; the message says what and how to get it."""
