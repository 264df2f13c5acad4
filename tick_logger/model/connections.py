"""What the status pages show of connections: their states, losses, and what they do not carry."""

from __future__ import annotations

from collections.abc import Collection

import attrs


@attrs.frozen
class Loss:
    """A connection that was lost."""

    at_ns: int
    connection: str
    ending: str  # one word (`errors.Ending`)
    reason: str


@attrs.frozen(kw_only=True)
class Unreachable:
    """Why an exchange cannot be reached on one of the ways to it."""

    since_ns: int
    place: str  # host and port, or the address without its query
    step: str  # where it failed (`errors.Step`)
    reason: str  # the key word first
    what_to_do: str


OFFLINE = "no exchange can be reached: is this machine online?"
"""What follows where the name of no exchange can be looked up."""


def none_by_name(found: Collection[Unreachable | None]) -> bool:
    """Whether the names of all exchanges cannot be looked up; there must be one at least."""
    return bool(found) and all(each is not None and each.step == "DNS" for each in found)


@attrs.frozen(kw_only=True)
class Absent:
    """What is wanted of an exchange and not recorded, each name of it."""

    left_out: tuple[str, ...] = ()  # symbols for which no connection has room
    not_listed: tuple[str, ...] = ()  # as configured: symbols or patterns that nothing matches

    def why(self, symbol: str) -> str:
        """Why a symbol is not recorded, in words; empty if it is none of these."""
        if symbol in self.left_out:
            return "the connections are full"
        return "the exchange does not list it as traded" if symbol in self.not_listed else ""


@attrs.frozen(kw_only=True)
class Patience:
    """How long an exchange may go without data, in seconds: after the start, and once it came."""

    first_secs: float
    secs: float


@attrs.frozen(kw_only=True)
class ConnectionState:
    """A connection at one moment; counts are of subscriptions, but for the symbols."""

    label: str
    state: str  # connecting, open, or retiring: its successor is on its way
    open_secs: float | None  # None while it is not
    symbols: int
    subscriptions: int
    live: int
    refused: int
    silent: int
    silent_secs: float | None  # since anything came; None before
    messages: int
