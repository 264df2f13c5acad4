"""What a look has found, as data: one line each, with what to do.  Pure."""

from __future__ import annotations

import enum
from collections.abc import Iterable, Sequence

import attrs


class State(enum.StrEnum):
    """How something is."""

    OK = "ok"
    WARNING = "warning"
    """It works, and may not for long, or not for everything."""
    WRONG = "wrong"
    """Something is not recorded because of it."""


@attrs.frozen
class Line:
    """One thing that was looked at: its name, how it is, in words, and what to do about it."""

    name: str
    state: State
    said: str
    advice: str = ""


@attrs.frozen
class Section:
    """The lines about one thing: "machine", or an exchange."""

    name: str
    lines: Sequence[Line]

    @property
    def wrong(self) -> bool:
        """Whether anything in it is wrong."""
        return any(line.state is State.WRONG for line in self.lines)


def ok(name: str, said: str) -> Line:
    """All is well."""
    return Line(name, State.OK, said)


def warning(name: str, said: str, advice: str) -> Line:
    """It works all the same."""
    return Line(name, State.WARNING, said, advice)


def wrong(name: str, said: str, advice: str) -> Line:
    """It does not work."""
    return Line(name, State.WRONG, said, advice)


def as_plain(sections: Iterable[Section]) -> dict[str, object]:
    """All of it as plain data, with `fine`: whether nothing is wrong."""
    found = list(sections)
    return {
        "fine": not any(each.wrong for each in found),
        "sections": list(map(attrs.asdict, found)),
    }
