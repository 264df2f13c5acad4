"""What a web page says to people: it may come where an answer for a program was asked for.

A firewall, a proxy or the log-in page of a network answers so.  Pure; whatever comes, it gives some
text and raises nothing.
"""

from __future__ import annotations

from html.parser import HTMLParser
from typing import Final

LONGEST_BYTES: Final = 16 * 1024
"""Of a page is read: its title and first words stand there."""

_BEGINNINGS: Final = (b"<!doctype html", b"<html", b"<head", b"<body")
_UNSEEN: Final = frozenset({"script", "style", "noscript", "svg"})


def is_page(body: bytes) -> bool:
    """Whether an answer's body is a page for people, by how it begins."""
    start = body[:1024].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    while start.startswith(b"<!--"):
        start = start.partition(b"-->")[2].lstrip()
    return start.startswith(_BEGINNINGS)


def words_of_page(body: bytes) -> str:
    """Its title, and what else is seen first."""
    reader = _Reader()
    reader.feed(body[:LONGEST_BYTES].decode("utf-8-sig", "replace"))
    title, text = " ".join(reader.title), " ".join(reader.text)
    said = [" ".join(part.split()) for part in (title, text)]
    return ": ".join(filter(None, said))


class _Reader(HTMLParser):
    """Collects the title and the texts that are seen."""

    def __init__(self) -> None:
        super().__init__()
        self.title: list[str] = []
        self.text: list[str] = []
        self._within: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note where the text that follows stands."""
        if tag in _UNSEEN or tag == "title":
            self._within.append(tag)

    def handle_endtag(self, tag: str) -> None:
        """Note that it stands there no more."""
        if self._within and self._within[-1] == tag:
            self._within.pop()

    def handle_data(self, data: str) -> None:
        """Keep what is seen."""
        place = self._within[-1] if self._within else ""
        if place == "title":
            self.title.append(data)
        elif not place:
            self.text.append(data)
