"""What two exchanges said to three processes, one after the other, as entries of a journal.

A small market with everything in it that makes column files differ: duplicates, holes, late rows,
books with and without snapshots, payloads that nobody understands, symbols that come and go, and a
midnight.  The first process ends in a crash, the second in order; the third goes on.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from random import Random
from typing import Any, TypeAlias

import attrs
import numpy as np

from tick_logger.model.cause import Cause
from tick_logger.model.entries import (
    Closed,
    Defined,
    Entry,
    Note,
    Received,
    Started,
    Ticked,
    joined,
)
from tick_logger.model.marks import (
    AwaitSnapshot,
    Interrupted,
    LastTradeId,
    Mark,
    MissingIds,
    NoSnapshot,
    Resumed,
    Retired,
)
from tick_logger.model.schemas import Schema, Schemas
from tick_logger.model.tables import EXACT, FIRST_VERSION, Table
from tick_logger.storage.format_file import VERSION

COLUMNS = Schemas.written(EXACT).to_plain()

Frames: TypeAlias = list[list[Entry]]

SECOND = 10**9
MIDNIGHT_NS = 1_723_161_600 * SECOND  # 2024-08-09 00:00 UTC
START_NS = MIDNIGHT_NS - 4 * SECOND
STEP_NS = SECOND // 2

INSTRUMENTS = {
    "coinbase": {"BTC-USD": 0, "ETH-USD": 2},
    "binance": {"BTCUSDT": 1, "ETHUSDT": 3},
}
TABLES = tuple(Table)
WAIT_TICKS = 2


def started(at_ns: int, version: int = VERSION) -> Started:
    """A process of the program that wrote this version of the format begins."""
    if version == FIRST_VERSION:
        return Started(at_ns, "1.0", "f4", WAIT_TICKS)
    columns = {
        f"{'late/' if late else ''}{table}": Schema.of(
            table, schema.width, (each.name for each in schema.columns if each.since <= version)
        ).text
        for (table, late), schema in Schemas.written(EXACT).of.items()
    }
    return Started(at_ns, "1.0", EXACT, WAIT_TICKS, columns)


def story(
    seed: int = 0,
    *,
    rounds: int = 5,
    pause_ns: int = 3 * SECOND,
    versions: tuple[int, int, int] = (VERSION, VERSION, VERSION),
) -> Frames:
    """The frames of three processes, so many rounds each: deterministic.

    `versions` of the format are those that the processes write.
    """
    rng = Random(seed)
    venues = [_Venue(name, symbols, rng) for name, symbols in INSTRUMENTS.items()]
    at_ns = START_NS
    frames: Frames = []
    for process in range(3):
        at_ns += pause_ns if process else 0
        frames.append([started(at_ns, versions[process])])
        for number in range(rounds):
            at_ns += STEP_NS
            entries: list[Entry] = [venue.entry(at_ns, first=number == 0) for venue in venues]
            rng.shuffle(entries)
            entries += [Ticked(at_ns)] if rng.random() < 0.7 else []
            cut = rng.randint(0, len(entries))
            frames += [part for part in (entries[:cut], entries[cut:]) if part]
        if process == 1:
            frames.append([Closed(at_ns + STEP_NS)])
    frames.append([Ticked()])
    return frames


def entries_of(frames: Frames) -> list[Entry]:
    """All entries, in order."""
    return [entry for frame in frames for entry in frame]


@attrs.define
class _Venue:
    """One exchange: what it says next."""

    name: str
    symbols: dict[str, int]
    rng: Random
    ids: dict[str, int] = attrs.field(factory=dict)

    def entry(self, at_ns: int, *, first: bool) -> Received:
        """One batch of it; the `first` one of a process says what is recorded."""
        reads = [
            (at_ns - self.rng.randrange(STEP_NS), list(self._read(at_ns)))
            for _ in range(self.rng.randint(1, 2))
        ]
        marks = list(self._marks(at_ns, first=first))
        return received(self.name, reads, defined=self._defined(first=first), marks=marks)

    def _defined(self, *, first: bool) -> list[Defined]:
        if not first and self.rng.random() < 0.8:
            return []
        dropped = () if first else (self.rng.choice([*Table, None]),)
        wanted = tuple(table for table in TABLES if table not in dropped)
        return [Defined(number, symbol, wanted) for symbol, number in self.symbols.items()]

    def _marks(self, at_ns: int, *, first: bool) -> Iterator[Mark]:
        everybody = tuple(self.symbols.values())
        one = self.rng.choice(everybody)
        if first:
            yield Resumed(everybody, TABLES, at_ns - STEP_NS)
            yield AwaitSnapshot(one, at_ns - STEP_NS)
        match self.rng.randrange(7):
            case 0:
                yield Interrupted((one,), TABLES, at_ns - STEP_NS, Cause.DISCONNECT)
                yield Resumed((one,), TABLES, at_ns - 5)
            case 1:
                hole = (at_ns - 9, at_ns - 7)
                yield MissingIds(one, Table.BOOK, 5, 6, *hole, Cause.SEQUENCE)
            case 2:
                newest = self.ids.get(self._symbol(one), 1)
                yield LastTradeId(one, newest + self.rng.randrange(2), at_ns)
            case 3:
                yield NoSnapshot(one, at_ns)
            case 4:
                yield Interrupted((one,), (Table.MD,), at_ns - STEP_NS, Cause.SILENT)
            case 5 if self.rng.random() < 0.3:
                yield Retired((one,), at_ns)

    def _read(self, at_ns: int) -> Iterator[bytes]:
        for _ in range(self.rng.randint(1, 3)):
            symbol = self.rng.choice(list(self.symbols))
            number = self.ids.get(symbol, 100) + self.rng.choice([1, 1, 1, 1, 2, 0, -1])
            self.ids[symbol] = max(number, self.ids.get(symbol, 100))
            event_ns = at_ns - self.rng.choice([10**6, 3 * 10**6, 2 * SECOND])
            speak = coinbase if self.name == "coinbase" else binance
            yield speak(self.rng, symbol, number, event_ns)

    def _symbol(self, instrument: int) -> str:
        return next(name for name, number in self.symbols.items() if number == instrument)


def received(
    exchange: str,
    reads: Sequence[tuple[int, Sequence[bytes]]],
    *,
    defined: Sequence[Defined] = (),
    marks: Sequence[Mark] = (),
) -> Received:
    """An entry of these reads: receive time and payloads."""
    lengths, payloads = joined([payload for _, read in reads for payload in read])
    return Received(
        exchange=exchange,
        connections=("1.1",) * len(reads),
        recv_ns=np.array([recv_ns for recv_ns, _ in reads], np.int64),
        counts=np.array([len(read) for _, read in reads], np.uint32),
        lengths=lengths,
        payloads=payloads,
        defined=tuple(defined),
        marks=tuple(marks),
        notes=(Note(reads[0][0], "1.1", "subscribed"),) if defined else (),
    )


def coinbase(rng: Random, symbol: str, number: int, event_ns: int) -> bytes:
    """One of its messages."""
    text = np.datetime64(event_ns, "ns")
    price, size = f"{100 + number / 8}", f"{rng.randint(1, 9)}.5"
    common: dict[str, Any] = {"product_id": symbol, "sequence": number * 7, "time": f"{text}Z"}
    side = rng.choice(["buy", "sell"])
    match rng.randrange(6):
        case 0 | 1:
            orders = {
                f"{who}_order_id": f"{number:08x}-0000-0000-0000-{at:012x}"
                for at, who in enumerate(["maker", "taker"])
            }
            message = {"type": "match", "trade_id": number, "side": side, "size": size}
            message |= {"price": price, **orders, **common}
        case 2:
            message = {"type": "ticker", "price": price, "side": side, "trade_id": number}
            message |= {"last_size": size, "best_bid": price, "best_ask": price, **common}
            message |= {"best_bid_size": size, "best_ask_size": size}
        case 3:
            message = {"type": "snapshot", "product_id": symbol}
            message |= {"asks": [[price, size]], "bids": [[price, "1"], ["3", size]]}
        case 4:
            message = {"type": "l2update", "changes": [[side, price, size], [side, "3", "0"]]}
            message |= common
        case _:
            message = {"type": rng.choice(["heartbeat", "nonsense"]), "last_trade_id": number}
            message |= common
    return json.dumps(message).encode()


def binance(rng: Random, symbol: str, number: int, event_ns: int) -> bytes:
    """One of its messages."""
    price, size = f"{100 + number / 8}", f"{rng.randint(1, 9)}.5"
    millis = event_ns // 10**6
    common = {"E": millis, "s": symbol}
    match rng.randrange(6):
        case 0 | 1:
            kind = "trade"
            data: dict[str, Any] = {"e": "trade", "t": number, "p": price, "q": size, "T": millis}
            data |= {"m": rng.random() < 0.5, "M": True, **common}
        case 2:
            kind = "bookTicker"
            data = {"u": number, "s": symbol, "b": price, "B": size, "a": price, "A": size}
        case 3:
            levels = {"bids": [[price, size]], "asks": [["900", "3"]]}
            snapshot = {"snapshot": symbol, "data": {"lastUpdateId": number, **levels}}
            return json.dumps(snapshot).encode()
        case 4:
            kind = "depth@100ms"
            data = {"e": "depthUpdate", "U": number, "u": number, **common}
            data |= {"b": [[price, size]], "a": [["900", "0"]]}
        case _:
            return b'{"stream":"' + symbol.lower().encode() + b'@trade","data":{}}'
    return json.dumps({"stream": f"{symbol.lower()}@{kind}", "data": data}).encode()
