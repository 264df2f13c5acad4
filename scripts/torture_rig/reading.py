"""A reader of growing column files, as a process of its own that does what the README tells it to.

Again and again it maps every table of every symbol, with as many rows as the time column has, and
counts what no reader may ever see: rows that a column lacks or that say nothing, rows out of
order, and rows that are not what they were when they were seen first.  Says so as JSON at the end.

It never waits for the recorder and never asks it anything.  Not here: late rows, which are in
order of arrival.
"""

from __future__ import annotations

import json
import re
import sys
import time
import zlib
from collections.abc import Mapping
from pathlib import Path

import attrs
import numpy as np

from scripts.torture_rig.rows import TABLES, Array, columns_of

MAX_EXAMPLES = 10

CLOCK_SLACK_SECS = 1
"""Receive times are whole seconds here, and may be a moment ahead of a look that has begun."""

POSITIVE = {"TRADES": "trade_price", "MD": "price", "QUOTES": "best_bid", "BOOK": "price"}
"""Of each table a column that is above zero in every row that the simulated exchanges send."""

_TIME_FILE = re.compile(r"(?:trade_)?time\.(\d\d\.\d\d\.\d\d)\.bin")


@attrs.define
class Tally:
    """What was seen: looks at a table's day, rows (each counted once), and what was wrong."""

    looks: int = 0
    rows: int = 0
    incomplete: int = 0
    unsorted: int = 0
    changed: int = 0
    examples: list[str] = attrs.Factory(list)

    def complain(self, what: str) -> None:
        """Remember what was wrong, up to a limit."""
        if len(self.examples) < MAX_EXAMPLES:
            self.examples.append(what)


@attrs.define
class TableDay:
    """The column files of one table, symbol and day, and what was in them when last looked at."""

    folder: Path
    day: str
    rows: int = 0
    crcs: dict[str, int] = attrs.Factory(dict)  # by column, of all rows seen

    def look(self, tally: Tally, since_secs: int) -> None:
        """Map the files and compare; receive times lie between `since_secs` and now."""
        kinds = columns_of(self.folder.name)
        *others, time_column = kinds
        # The time column first: whatever it says is to be in the others by now.
        times = self._map(time_column, kinds[time_column])
        rows = len(times)
        mapped = {name: self._map(name, kinds[name]) for name in others} | {time_column: times}
        tally.looks += 1
        lacking = max(rows - len(values) for values in mapped.values())
        if lacking:
            tally.incomplete += lacking
            tally.complain(f"{self.folder} {self.day}: a column lacks {lacking} of {rows} rows")
            return
        columns = {name: values[:rows] for name, values in mapped.items()}
        self._compare(columns, rows, tally)
        self._check_new(columns, rows, tally, since_secs)
        self.rows = rows

    def _map(self, column: str, kind: np.dtype[np.generic]) -> Array:
        path = self.folder / f"{column}.{self.day}.bin"
        if not path.exists() or path.stat().st_size < kind.itemsize:
            return np.empty(0, kind)  # an empty file cannot be mapped
        size = path.stat().st_size // kind.itemsize
        return np.memmap(path, kind, "r", shape=(size,))

    def _compare(self, columns: Mapping[str, Array], rows: int, tally: Tally) -> None:
        """Count rows seen before in a column that has changed, and note what is there now."""
        for name, values in columns.items():
            before = zlib.crc32(values[: self.rows].data)
            if rows < self.rows or before != self.crcs.get(name, 0):
                tally.changed += self.rows
                tally.complain(f"{self.folder} {self.day}: {name} changed in {self.rows} rows")
            self.crcs[name] = zlib.crc32(values[self.rows :].data, before)

    def _check_new(
        self, columns: Mapping[str, Array], rows: int, tally: Tally, since_secs: int
    ) -> None:
        new = slice(self.rows, rows)
        tally.rows += max(rows - self.rows, 0)
        received = columns["recv_time"][new]
        now_secs = int(time.time())
        plausible = (received >= since_secs) & (received <= now_secs + CLOCK_SLACK_SECS)
        plausible &= columns[POSITIVE[self.folder.name]][new] > 0
        empty = int((~plausible).sum())
        if empty:
            tally.incomplete += empty
            tally.complain(f"{self.folder} {self.day}: {empty} rows behind {self.rows} are hollow")
        prefix = "trade_" if self.folder.name == "TRADES" else ""
        with_last = slice(max(self.rows - 1, 0), rows)
        event_ns = columns[f"{prefix}time"][with_last].astype(np.int64) * 10**9
        event_ns += columns[f"{prefix}nanos"][with_last]
        backwards = int((np.diff(event_ns) < 0).sum())
        if backwards:
            tally.unsorted += backwards
            tally.complain(f"{self.folder} {self.day}: {backwards} rows behind {self.rows} go back")


def watch(data: Path, since_secs: int, seconds: float) -> Tally:
    """Look at everything below a data path, over and over, for so long."""
    tally = Tally()
    known: dict[tuple[Path, str], TableDay] = {}
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        for table in TABLES:
            for path in data.glob(f"*/*/{table}/*time.*.bin"):
                match = _TIME_FILE.fullmatch(path.name)
                if match is not None:
                    place = path.parent, match[1]
                    known.setdefault(place, TableDay(*place)).look(tally, since_secs)
    return tally


def main() -> int:
    """Watch the data path, since the second, for the seconds given as arguments."""
    data, since_secs, seconds = sys.argv[1:]
    json.dump(attrs.asdict(watch(Path(data), int(since_secs), float(seconds))), sys.stdout)
    return 0


if __name__ == "__main__":
    sys.exit(main())
