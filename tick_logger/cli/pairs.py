"""Normal names for commands: which symbols one means, and what each symbol is called.

A command that takes a symbol takes its normal name as well, and says which symbols that is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import attrs

from tick_logger.cli.reading import say
from tick_logger.telemetry.logs import first_few

if TYPE_CHECKING:
    from tick_logger.reader import Recording

UNKNOWN = "-"
"""Stands for the pair of a symbol of which no listing says what it is."""


@attrs.frozen
class Pairs:
    """The normal names of what is recorded."""

    _known: Mapping[str, str]

    def known(self, symbol: str) -> str | None:
        """Of a symbol such as exchange:SYMBOL; None if nobody says."""
        return self._known.get(symbol)

    def beside(self, symbol: str) -> str | None:
        """The same, where the exchange spells it otherwise."""
        known = self._known.get(symbol)
        return None if known == symbol.rpartition(":")[2] else known

    @property
    def head(self) -> list[str]:
        """The head of the column in a table; there is none where nothing has a name."""
        return ["pair"] if self._known else []

    def cell(self, symbol: str) -> list[str]:
        """What stands in that column."""
        return [self._known.get(symbol, UNKNOWN)] if self._known else []


def pairs(recording: Recording) -> Pairs:
    """What the listings of a recording say."""
    return Pairs(recording.pairs())


def say_meant(recording: Recording, names: Sequence[str]) -> None:
    """Say which symbols are meant by names that are neither patterns nor one symbol as it stands.

    Raises `LookupError` if one means nothing that is recorded.
    """
    for name in names:
        if not any(sign in name for sign in "*?["):
            say_are(name, recording.find(name))


def say_are(name: str, symbols: Sequence[str]) -> None:
    """Say that a name means these symbols, unless it is the one that there is."""
    if list(symbols) != [name]:
        say(f"{name} is {', '.join(first_few(symbols))}")
