"""What is raised over an answer or a listing of a venue."""

from __future__ import annotations


class VenueError(Exception):
    """What a venue sent is not what it promised; the message says what and where."""
