"""What can be said of a performance: each check gives a sentence for whatever is not so.

Not here: what is right of which dialogue.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta

from tests.field.dialogue import Check
from tests.field.seen import Hole, Seen

END_SECS = 2.0
"""What was sent so shortly before the end may have been on its way then."""

FIRST_SECS = 25.0
"""Within which something must have been asked for: some venues' listings are waited for."""

SNAPSHOT = 1  # bit of `flags`


def trades_complete(*symbols: str, late: int = 0) -> Check:
    """Each trade that was sent is on disk once, so many beside the others at most; nothing else."""

    def check(seen: Seen) -> Iterator[str]:
        for symbol in symbols:
            sent = seen.sent_trades(symbol)
            if not sent:
                yield f"no trade of {symbol} was ever sent"
            due = Counter(key for secs, key in sent if secs < seen.secs - END_SECS)
            beside = seen.rows(symbol, "TRADES", late=True)["trade_id"]
            found = Counter([*seen.rows(symbol, "TRADES")["trade_id"], *beside])
            missing, invented = due - found, found - Counter(key for _, key in sent)
            if missing:
                yield f"{symbol}: {missing.total()} trades are missing, first {min(missing)}"
            if invented:
                yield f"{symbol}: {invented.total()} trades too many, first {min(invented)}"
            if len(beside) > late:
                yield f"{symbol}: {len(beside)} trades are late"

    return check


def begun_within(secs: float, *symbols: str, table: str = "TRADES") -> Check:
    """Of each symbol something was received by then."""

    def check(seen: Seen) -> Iterator[str]:
        for symbol in symbols:
            received = seen.rows(symbol, table).recv_secs
            if not received or received[0] > secs:
                yield f"{symbol} {table}: first row {_when(received[:1])}, later than {secs:g} s"

    return check


def recorded_within(secs: float, *symbols: str, table: str = "TRADES") -> Check:
    """As `begun_within`, and something is received at the end still."""

    def check(seen: Seen) -> Iterator[str]:
        yield from begun_within(secs, *symbols, table=table)(seen)
        for symbol in symbols:
            received = seen.rows(symbol, table).recv_secs
            if received and received[-1] < seen.secs - 5.0:
                yield f"{symbol} {table}: no row after {_when(received[-1:])}"

    return check


def hole_until_first_row(*symbols: str, table: str = "TRADES") -> Check:
    """There is a record of what is missing at the beginning, and it ends when rows begin."""

    def check(seen: Seen) -> Iterator[str]:
        for symbol in symbols:
            holes, rows = seen.holes(symbol, table), seen.rows(symbol, table).recv_secs
            if not holes:
                yield f"{symbol} {table}: no gap record"
            elif rows and abs(max(hole.to_secs for hole in holes) - rows[0]) > 1.5:
                yield f"{symbol} {table}: {_told(holes)}, but the first row {_when(rows[:1])}"

    return check


def no_holes(*symbols: str, tables: Sequence[str] = ("TRADES",), cause: str = "") -> Check:
    """No gap record of these, or none with this cause."""

    def check(seen: Seen) -> Iterator[str]:
        for symbol in symbols:
            for table in tables:
                holes = [hole for hole in seen.holes(symbol, table) if cause in hole.cause]
                if holes:
                    yield f"{symbol} {table}: {_told(holes)}"

    return check


def hole_at(secs: float, symbol: str, table: str, *causes: str, slack_secs: float = 1.0) -> Check:
    """A gap record speaks of this moment, with one of these causes if any are named."""

    def check(seen: Seen) -> Iterator[str]:
        holes = seen.holes(symbol, table)
        fitting = [hole for hole in holes if not causes or hole.cause in causes]
        if not any(hole.covers(secs, slack_secs) for hole in fitting):
            yield f"{symbol} {table}: nothing tells of {secs:g} s, only {_told(holes)}"

    return check


def one_day(seen: Seen) -> Iterator[str]:
    """All files are of the day on which the dialogue was performed, or of the next."""
    days = {path.removesuffix(".bin")[-8:] for path in seen.files if path.endswith(".bin")}
    today = datetime.fromtimestamp(seen.began_ns // 10**9, UTC)
    allowed = {f"{today + timedelta(days):%d.%m.%y}" for days in (0, 1)}
    if not days <= allowed:
        yield f"files of the days {sorted(days - allowed)}"


def refused(symbol: str, table: str) -> Check:
    """All the time, from within some seconds on, as a gap record says; and there is no row."""

    def check(seen: Seen) -> Iterator[str]:
        holes = [hole for hole in seen.holes(symbol, table) if hole.cause == "refused"]
        whole = min((hole.from_secs for hole in holes), default=math.inf) < FIRST_SECS
        if not whole or max(hole.to_secs for hole in holes) < seen.secs - END_SECS:
            yield f"{symbol} {table} is not told as refused, but {_told(holes)}"
        if len(seen.rows(symbol, table)):
            yield f"{symbol} {table} has rows"

    return check


def asked_once(kind: str, *having: str, within: float = math.inf) -> Check:
    """Something with these texts is asked for just once in that time."""

    def check(seen: Seen) -> Iterator[str]:
        times = [secs for secs in seen.asked(kind, *having) if secs < within]
        if len(times) != 1:
            yield f"{kind} {' '.join(having)}: asked {len(times)} times, at {_seconds(times)}"

    return check


def asked_again(within: float, *having: str) -> Check:
    """Something with these texts is asked for at least twice, in that time from the first."""

    def check(seen: Seen) -> Iterator[str]:
        times = seen.asked("got", *having)
        if len(times) < 2 or times[1] - times[0] > within:
            yield f"{' '.join(having)}: asked at {_seconds(times)}, not again in {within:g} s"

    return check


def never_asked(*having: str) -> Check:
    """Nothing with these texts is asked."""

    def check(seen: Seen) -> Iterator[str]:
        times = seen.asked("got", *having)
        if times:
            yield f"{' '.join(having)}: asked at {_seconds(times)}"

    return check


def connections_at_most(count: int) -> Check:
    """No more were opened."""

    def check(seen: Seen) -> Iterator[str]:
        if seen.connections > count:
            yield f"{seen.connections} connections instead of {count} at most"

    return check


def said(*having: str) -> Check:
    """A line of the log has all these texts."""

    def check(seen: Seen) -> Iterator[str]:
        if not seen.said(*having):
            yield f"no line of the log has {' and '.join(having)}"

    return check


def snapshot_first(symbol: str) -> Check:
    """The book begins with flagged rows, and others follow."""

    def check(seen: Seen) -> Iterator[str]:
        flags = [bool(flag & SNAPSHOT) for flag in seen.rows(symbol, "BOOK")["flags"]]
        if not flags or not flags[0] or all(flags):
            yield f"{symbol} BOOK: flags {flags[:5]} and so on, {len(flags)} rows"

    return check


def _when(secs: Sequence[float]) -> str:
    return f"at {secs[0]:.1f} s" if secs else "never"


def _seconds(times: Sequence[float]) -> str:
    return ", ".join(f"{secs:.1f}" for secs in times[:8]) or "no time"


def _told(holes: Sequence[Hole]) -> str:
    told = [f"{hole.cause} {hole.from_secs:.1f} to {hole.to_secs:.1f} s" for hole in holes[:4]]
    return f"{len(holes)} gap records ({', '.join(told)})" if holes else "no gap record"
