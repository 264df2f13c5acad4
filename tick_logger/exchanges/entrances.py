"""Where a venue is entered: its usual address, others that are known, and paths that say the same.

An endpoint is what a user configures.  It may name a path that the venue's documents or another
program name with it; the adapter adds its own, so that is taken off first.

Pure.  Not here: which entrance is used (`config`).
"""

from __future__ import annotations

import copy
import re
from typing import ClassVar, Self
from urllib.parse import urlsplit, urlunsplit

import attrs


@attrs.frozen
class Entrance:
    """An address for connections, the one for REST that belongs to it, and for whom they are."""

    ws: str
    rest: str
    whose: str

    def __str__(self) -> str:
        return f"{self.ws} with {self.rest} ({self.whose})"


class Entered:
    """What an adapter says of the ways into its venue."""

    name: str
    """Under which it is recorded: the adapter's, unless this is an entrance with its own."""
    operator: ClassVar[str] = ""
    """Whose limits apply, where several exchanges are one operator's; empty: the exchange's own."""
    ws_endpoint: ClassVar[str]
    second_ws_endpoint: ClassVar[str] = ""  # of the second line; empty: the same
    rest_endpoint: ClassVar[str]
    entrances: ClassVar[tuple[Entrance, ...]] = ()
    """The known ones, the usual one first."""
    ws_path: ClassVar[str] = ""
    rest_path: ClassVar[str] = ""
    """What the path of an endpoint may end with (an expression) and the adapter adds itself."""

    @property
    def adapter(self) -> str:
        """The adapter's own name."""
        return type(self).name

    @property
    def operated_by(self) -> str:
        """Whose limits apply."""
        return self.operator or self.adapter

    def called(self, name: str) -> Self:
        """The same venue, entered under another name."""
        entered = copy.copy(self)
        entered.name = name
        return entered

    def ws_root(self, endpoint: str) -> str:
        """An endpoint for connections, without what the adapter adds to it."""
        return _without(self.ws_path, endpoint)

    def rest_root(self, endpoint: str) -> str:
        """An endpoint for REST, without what the adapter adds to it."""
        return _without(self.rest_path, endpoint)

    def others(self, endpoint: str) -> tuple[Entrance, ...]:
        """The known entrances that do not lead where this endpoint does."""
        host = urlsplit(endpoint).hostname
        hosts = ({urlsplit(at).hostname for at in (each.ws, each.rest)} for each in self.entrances)
        pairs = zip(self.entrances, hosts, strict=True)
        return tuple(each for each, those in pairs if host not in those)


def _without(path: str, endpoint: str) -> str:
    parts = urlsplit(endpoint)
    bare = re.sub(f"(?:{path})$", "", parts.path.rstrip("/")) if path else parts.path
    return urlunsplit((parts.scheme, parts.netloc, bare.rstrip("/"), "", ""))
