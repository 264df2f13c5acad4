"""Which captures there are, and which of them are played on one connection.

Found in the folder of recordings by the patterns that each venue gives, some with an
`.info.json` that lists the REST snapshots taken meanwhile.  A capture that goes on where an earlier
one of its venue ended, and has no snapshot of its own, is played right after it.
"""

from __future__ import annotations

import functools
import importlib
import json
import pkgutil
import re
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any, Protocol

import attrs

from tests.recordings import RECORDINGS, body, captures, frames
from tests.replay import venues
from tests.replay.said import Said


class Venue(Protocol):
    """How an exchange answers the recorder."""

    wanted: set[tuple[str, str]]  # (symbol, channel), all that is there to subscribe to

    def get(self, target: str) -> tuple[int, bytes]:
        """The answer to a GET request: status and body."""
        ...

    def hear(self, text: str, live: set[tuple[str, str]]) -> list[bytes]:
        """The answers to a request, whose subscriptions are added to those of the connection."""
        ...


@attrs.frozen
class Player:
    """What must be known of a venue to play its captures and to tell what they say."""

    read: Callable[[Sequence[bytes], Mapping[str, Sequence[bytes]]], Said]
    continues: Callable[[Sequence[bytes], Sequence[bytes]], bool]
    venue: Callable[[Sequence[str], Mapping[str, Sequence[bytes]]], Venue]
    played: Sequence[str]  # patterns of file names
    folder: str  # of the recordings: that of the venue's name, unless its module names a FOLDER
    restored: Callable[[bytes], bytes]  # a frame as it was sent, where others wrote it again


def _players() -> dict[str, Player]:
    found = {}
    for module in pkgutil.iter_modules(venues.__path__):
        how = importlib.import_module(f"{venues.__name__}.{module.name}")
        found[module.name] = Player(
            how.read,
            how.continues,
            how.Venue,
            how.PLAYED,
            getattr(how, "FOLDER", module.name),
            getattr(how, "restored", bytes),
        )
    return found


PLAYERS = _players()


@attrs.frozen
class Play:
    """Captures of one exchange that are played one after the other on one connection."""

    exchange: str
    names: tuple[str, ...]  # below the folder of recordings

    def __str__(self) -> str:
        return "+".join(name.partition(".jsonl")[0] for name in self.names)

    def frames(self) -> list[bytes]:
        """All frames, in the order in which they were received."""
        restored = PLAYERS[self.exchange].restored
        return [restored(frame) for name in self.names for frame in frames(name)]

    def snapshots(self) -> dict[str, list[bytes]]:
        """The REST snapshots of books, by symbol, in the order in which they were taken."""
        found: dict[str, list[bytes]] = defaultdict(list)
        for name in self.names:
            for taken in _info(name).get("rest_depth", []):
                symbol = re.match(r"rest_depth_([^_]+)_", taken["file"])
                assert symbol is not None, taken
                folder = PLAYERS[self.exchange].folder
                found[symbol[1].upper()].append(body(f"{folder}/{taken['file']}"))
        return found

    def venue(self) -> Venue:
        """The exchange that will play this, for one run."""
        return PLAYERS[self.exchange].venue(said(self).symbols, self.snapshots())


@functools.cache  # a handful, each needed by most of the tests
def said(play: Play) -> Said:
    """What the frames of a play say."""
    return PLAYERS[play.exchange].read(play.frames(), play.snapshots())


def find() -> list[Play]:
    """All plays; none where there are no recordings."""
    return [play for exchange in PLAYERS for play in _of(exchange)]


def _of(exchange: str) -> list[Play]:
    plays: list[Play] = []
    folder = PLAYERS[exchange].folder
    for name in captures(folder):
        if not any(fnmatchcase(name, f"{folder}/{each}") for each in PLAYERS[exchange].played):
            continue
        continued = plays[-1] if plays and not _info(name).get("rest_depth") else None
        if continued and PLAYERS[exchange].continues(frames(continued.names[-1]), frames(name)):
            plays[-1] = Play(exchange, (*continued.names, name))
        else:
            plays.append(Play(exchange, (name,)))
    return plays


def _info(name: str) -> dict[str, Any]:
    """What is noted beside a capture."""
    path = RECORDINGS / f"{name.partition('.jsonl')[0]}.info.json"
    noted: dict[str, Any] = json.loads(path.read_bytes()) if path.is_file() else {}
    return noted
