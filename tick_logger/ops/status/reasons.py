"""Why what should be recorded is not, in words: the same for `/ready`, the log, page and terminal.

Pure.  Not here: what else is not as it should be (`status`).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Protocol

from tick_logger.model.connections import OFFLINE, Unreachable, none_by_name

MANY_SECS = 600.0


class Connections(Protocol):
    """What is asked of the numbers of one exchange."""

    @property
    def connections_up(self) -> int:
        """Those that are open."""
        ...

    @property
    def connections_wanted(self) -> int:
        """Those that should be."""
        ...

    @property
    def rest_wait_secs(self) -> float:
        """For how much longer it wants no requests by REST."""
        ...

    @property
    def connect_wait_secs(self) -> float:
        """Likewise, no new connections."""
        ...


def not_connected(
    exchanges: Mapping[str, Connections], unreachable: Mapping[str, Unreachable | None]
) -> list[str]:
    """A reason, or more, for each exchange to which no connection is open."""
    found = [OFFLINE] if is_offline(exchanges, unreachable) else []
    for name, numbers in exchanges.items():
        if not numbers.connections_up:
            found.append(f"{name}: {unconnected(numbers, unreachable.get(name))}")
            found += [f"{name}: {reason}" for reason in told_to_wait(numbers)]
    return found


def is_offline(
    exchanges: Mapping[str, Connections], unreachable: Mapping[str, Unreachable | None]
) -> bool:
    """Whether the names of all exchanges cannot be looked up, and nothing is connected."""
    connected = any(each.connections_up for each in exchanges.values())
    return not connected and none_by_name([unreachable.get(name) for name in exchanges])


def unconnected(numbers: Connections, unreachable: Unreachable | None) -> str:
    """That nothing is connected, and why, the most telling fact first."""
    if unreachable is not None:
        return f"not connected: {in_words(unreachable)}"
    if numbers.connections_wanted:
        return f"not connected (0 of {numbers.connections_wanted} connections are open)"
    return "not connected (no list of symbols yet, or none of those configured is in it)"


def in_words(unreachable: Unreachable) -> str:
    """Why, where and since when."""
    return f"{unreachable.reason} ({unreachable.place}; since {since(unreachable)})"


def since(unreachable: Unreachable) -> str:
    """The moment in UTC, as a person reads it."""
    moment = datetime.fromtimestamp(unreachable.since_ns // 10**9, UTC)
    return f"{moment:%Y-%m-%d %H:%M:%S} UTC"


def iso(secs: float) -> str:
    """A Unix time as ISO 8601 writes it, in whole seconds of UTC."""
    return f"{datetime.fromtimestamp(int(secs), UTC):%Y-%m-%dT%H:%M:%SZ}"


def told_to_wait(numbers: Connections) -> list[str]:
    """For how long an exchange wants to be left alone."""
    waits = {"new connections": numbers.connect_wait_secs, "requests": numbers.rest_wait_secs}
    return [
        f"the exchange said to wait, for another {duration(secs)}, before {what}"
        for what, secs in waits.items()
        if secs
    ]


def duration(secs: float) -> str:
    """In seconds while these can be grasped."""
    return f"{secs:.0f} s" if secs < MANY_SECS else f"{secs / 60:,.0f} min"
