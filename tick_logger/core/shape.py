"""How the messages of a venue are declared to the core: a tree of members, lists and values.

A value that is given a column goes into the row of the list that it stands in, or of the message.
A message is of a shape only if everything that is declared is as it is declared; what else it has
is passed over.  So a shape names every field that its adapter reads, and `Never` those that would
change what the message means.

Not here: reading (`scanning`), and what rows mean.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

MESSAGE = "message"
"""The scope of the rows that are one for each message."""

MOST_INTEGER = 2**63 - 1

_NAN = struct.unpack("<q", struct.pack("<d", float("nan")))[0]
_KINDS = (
    "Members", "Each", "Tuple", "Integer", "Number", "UnixTime", "IsoTime", "Uuid", "Symbol",
    "Word", "Begins", "After", "Token", "Never",
)  # fmt: skip
"""In the order of the kinds in `_core.c`."""


@dataclass(frozen=True)
class _Value:
    """A value; without a column it is only looked at.  An optional one need not be sent."""

    column: str = ""
    optional: bool = False


@dataclass(frozen=True)
class Symbol(_Value):
    """A symbol, of which the number is put down."""


@dataclass(frozen=True)
class Integer(_Value):
    """An integer within bounds, bare or as a text; `default` if it is not sent."""

    low: int = 0
    high: int = MOST_INTEGER
    default: int = 0


@dataclass(frozen=True)
class Number(_Value):
    """A decimal from `lowest` on, below `highest`, bare or as a text; NaN if it is not sent.

    With `spelled` the column of the same name and `_at` says where its text stands.
    """

    lowest: float = 0.0
    highest: float = 1e30
    spelled: bool = False


@dataclass(frozen=True)
class UnixTime(_Value):
    """A time of any unit since 1970 as ns, within 2000 to 2100; `default` if it is not sent."""

    default: int = 0


@dataclass(frozen=True)
class IsoTime(_Value):
    """An ISO-8601 time as ns, within 2000 to 2100; `default` if it is not sent."""

    default: int = 0


@dataclass(frozen=True)
class Uuid(_Value):
    """A UUID as 16 bytes, zeros if it is not sent."""


@dataclass(frozen=True)
class _Words(_Value):
    """One of some words, of which the value is put down; `default` if it is not sent."""

    words: Mapping[str, int] = field(default_factory=dict)
    default: int = 0


@dataclass(frozen=True)
class Word(_Words):
    """A text that is one of the words."""


@dataclass(frozen=True)
class Begins(_Words):
    """A text that begins with one of the words."""


@dataclass(frozen=True)
class After(_Words):
    """A text of which what follows from its first @ on, that included, is one of the words."""


@dataclass(frozen=True)
class Token(_Words):
    """A bare word, such as true."""


@dataclass(frozen=True)
class Never(_Value):
    """What makes a message one of another kind, whatever it is."""

    optional: bool = True


@dataclass(frozen=True)
class Tuple:
    """A list of which each element has its own meaning; there may be more behind them."""

    elements: tuple[Node, ...]
    optional: bool = False


@dataclass(frozen=True)
class Members:
    """An object with these members; those that are optional need not be sent."""

    members: Mapping[str, Node]
    optional: bool = False


@dataclass(frozen=True)
class Each:
    """A list of which each element is a row of `scope`, in which `column` has `value`.

    Lists of one object come in the order of their declaration, in whichever they are sent.
    """

    scope: str
    element: Node
    column: str = ""
    value: int = 0
    fewest: int = 0
    optional: bool = False


Node: TypeAlias = _Value | Members | Tuple | Each


class Shape:
    """A shape and its columns by scope, compiled by `plan`, the function of that name."""

    def __init__(self, members: Mapping[str, Node]) -> None:
        self.members = members
        self.scopes: dict[str, list[str]] = {}
        """By scope the names of its columns, of which the first says what a row belongs to."""
        self.parents: dict[str, str] = {MESSAGE: MESSAGE}
        self.kinds: dict[tuple[str, str], type[Node]] = {}
        """What a column holds, by scope and name."""
        self._defaults: dict[str, list[int]] = {}
        self._nodes: list[tuple[Any, ...]] = [()]
        self._open(MESSAGE)
        self._add(0, "", Members(members), MESSAGE)

    def plan(self) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
        """The arguments of the function `plan`."""
        order = list(self.scopes)
        scopes = tuple(
            (tuple(self._defaults[scope]), order.index(self.parents[scope])) for scope in order
        )
        return scopes, tuple(self._nodes)

    def _open(self, scope: str) -> None:
        if scope not in self.scopes:
            self.scopes[scope] = ["of"]
            self._defaults[scope] = [0]

    def _column(self, scope: str, node: Node, name: str, default: int, more: str = "") -> int:
        """The number of a column, which several values may share; of two if it takes two."""
        if not name:
            return -1
        names = self.scopes[scope]
        if name not in names:
            for each in (name, name + more)[: 1 + bool(more)]:
                names.append(each)
                self._defaults[scope].append(default)
                self.kinds[scope, each] = type(node)
        return names.index(name)

    def _add(self, at: int, key: str, node: Node, scope: str) -> None:
        """Put a node in its place, and its children behind all that there is."""
        children: list[tuple[str, Node]] = []
        low, high, lowest, highest, spelled, column = 0, 0, 0.0, 0.0, False, -1
        words: tuple[tuple[bytes, int], ...] = ()
        inner = scope
        match node:
            case Members():
                children = list(node.members.items())
            case Tuple():
                children = [("", each) for each in node.elements]
                low = len(children)
            case Each():
                inner, low, high = node.scope, node.fewest, node.value
                children = [("", node.element)]
                self._open(inner)
                self.parents[inner] = scope
                column = self._column(inner, node, node.column, 0)
            case Number():
                spelled, lowest, highest = node.spelled, node.lowest, node.highest
                column = self._column(scope, node, node.column, _NAN, "_at" if spelled else "")
            case Uuid():
                column = self._column(scope, node, node.column, 0, "_end")
            case Integer():
                low, high = node.low, node.high
                column = self._column(scope, node, node.column, node.default)
            case _Words():
                words = tuple((word.encode(), value) for word, value in node.words.items())
                column = self._column(scope, node, node.column, node.default)
            case UnixTime() | IsoTime():
                column = self._column(scope, node, node.column, node.default)
            case _:
                column = self._column(scope, node, node.column, 0)
        first = len(self._nodes)
        self._nodes += [()] * len(children)
        self._nodes[at] = (
            _KINDS.index(type(node).__name__), key.encode(), not node.optional, first,
            len(children), list(self.scopes).index(inner), column, spelled, low, high, lowest,
            highest, words,
        )  # fmt: skip
        for number, (name, child) in enumerate(children, first):
            self._add(number, name, child, inner)
