"""Files of candles: what an exchange answered of one UTC day, a line for each answer and symbol.

    {"symbol": …, "measure": "count", "at_ns": …, "minutes": [[0, 240]], "traded": [[17, 3.0], …]}

Minutes are those of the day.  `minutes` are spans (the end exclusive) of which something is known,
`traded` those among them in which something was.

The journal has the same answers as they were received, and these files only spare looking for them
there: a line that was torn is passed over, and its minutes are asked for again.

Blocking; raises `OSError`.  Not here: what is recorded of the same minutes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

import attrs
import msgspec
import numpy as np

from tick_logger.model.candles import MINUTES_PER_DAY, Candles, Measure
from tick_logger.storage.files import Files
from tick_logger.storage.layout import CandlesPath, candles_path, parse
from tick_logger.storage.names import folder_of

MOST_DAYS_KEPT = 100
"""Back from today.  By then no better certificate follows, and the journal's copies remain."""


class _Head(msgspec.Struct):
    symbol: str
    minutes: list[tuple[int, int]]


class _Line(_Head):
    measure: Measure
    at_ns: int
    traded: list[tuple[int, float]]


_decode_head = msgspec.json.Decoder(_Head).decode
_decode = msgspec.json.Decoder(_Line).decode


@attrs.frozen
class CandleIndex:
    """Where in the file of an exchange and day the answers about each symbol are.

    `size` is that of the file when it was looked at, and `until` by symbol the minute of the day
    (exclusive) up to which there are answers.
    """

    exchange: str
    day: int
    size: int
    places: Mapping[str, tuple[tuple[int, int], ...]]
    until: Mapping[str, int]

    def read(self, files: Files, symbol: str) -> Iterator[Candles]:
        """The answers about a symbol."""
        path = candles_path(CandlesPath(self.exchange, self.day))
        for offset, length in self.places.get(symbol, ()):
            yield _candles(_decode(files.read(path, offset, length)), self.day)


def index(files: Files, exchange: str, day: int) -> CandleIndex:
    """What there is of a day; lines that cannot be read are left out."""
    path = candles_path(CandlesPath(exchange, day))
    data, at = files.read(path) if files.exists(path) else b"", 0
    places: dict[str, list[tuple[int, int]]] = {}
    until: dict[str, int] = {}
    for line in data.splitlines(keepends=True):
        try:
            head = _decode_head(line)
        except msgspec.MsgspecError:
            pass
        else:
            places.setdefault(head.symbol, []).append((at, len(line)))
            ends = [end for _, end in head.minutes]
            until[head.symbol] = max([until.get(head.symbol, 0), *ends])
        at += len(line)
    found = {symbol: tuple(those) for symbol, those in places.items()}
    return CandleIndex(exchange, day, at, found, until)


def append(files: Files, exchange: str, answers: Iterable[Candles]) -> None:
    """Add answers to the files of their days; whoever adds is the only one."""
    lines: dict[int, list[bytes]] = {}
    for each in answers:
        for day in each.days:
            lines.setdefault(day, []).append(_line(each.of_day(day), day))
    for day, those in lines.items():
        path = candles_path(CandlesPath(exchange, day))
        size = files.size(path)
        torn = size > 0 and bytes(files.read(path, size - 1)) != b"\n"
        files.append(path, b"\n" * torn + b"".join(those))


def remove_old(files: Files, exchange: str, today: int) -> None:
    """Remove the files of days that are older than `MOST_DAYS_KEPT`."""
    folder = folder_of(exchange)
    for name in files.list(folder):
        found = parse(f"{folder}/{name}")
        if isinstance(found, CandlesPath) and found.day < today - MOST_DAYS_KEPT:
            files.remove(candles_path(found))


def _line(candles: Candles, day: int) -> bytes:
    minutes = candles.minutes - day * MINUTES_PER_DAY
    starts = np.flatnonzero(np.diff(minutes, prepend=-2) > 1)
    ends = np.append(starts[1:], len(minutes)) - 1
    spans = [(int(minutes[a]), int(minutes[b]) + 1) for a, b in zip(starts, ends, strict=True)]
    some = np.flatnonzero(candles.values)
    traded = list(zip(minutes[some].tolist(), candles.values[some].tolist(), strict=True))
    line = _Line(candles.symbol, spans, candles.measure, candles.at_ns, traded)
    return msgspec.json.encode(line) + b"\n"


def _candles(line: _Line, day: int) -> Candles:
    known = np.zeros(MINUTES_PER_DAY, np.bool_)
    values = np.zeros(MINUTES_PER_DAY, np.float64)
    for begin, end in line.minutes:
        known[begin:end] = True
    for minute, value in line.traded:
        values[minute] = value
    found = np.flatnonzero(known)
    start = day * MINUTES_PER_DAY
    return Candles(line.symbol, line.measure, line.at_ns, found + start, values[found])
