"""What the status pages show of connections: the state of each, and those that were lost."""

from __future__ import annotations

import attrs


@attrs.frozen
class Loss:
    """A connection that was lost."""

    at_ns: int
    connection: str
    ending: str  # one word (`errors.Ending`)
    reason: str


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
