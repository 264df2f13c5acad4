"""Somebody who maps the column files while they grow, and looks after every change of them."""

from __future__ import annotations

from collections.abc import Mapping

import attrs
import numpy as np

from tests.service.oracle import FORMATS, formats_of

TIME_BYTES = 4


@attrs.define(eq=False)
class Readers:
    """What readers are promised: the rows of the time column are whole in every other one.

    `complaints` is what they met instead.  What a power cut has left is no promise, until a
    recovery has been there: a change counts only if it takes rows that readers had.
    """

    price_dtype: str = "f4+rest"
    complaints: list[str] = attrs.field(factory=list)
    _widths: dict[tuple[str, bool], dict[str, int]] = attrs.field(factory=dict)
    """By table and whether rows are late, then by column."""

    def changed(self, contents: Mapping[str, bytearray], path: str, before: int) -> None:
        """A file that had `before` bytes has more, or fewer."""
        folder, _, name = path.rpartition("/")
        column, _, day = name.partition(".")
        table = folder.rpartition("/")[2]
        if table not in FORMATS or not day.endswith(".bin"):
            return
        widths = self._widths_of(table, "/late/" in f"/{folder}/")
        time = "trade_time" if table == "TRADES" else "time"
        rows = len(contents.get(f"{folder}/{time}.{day}", b"")) // TIME_BYTES
        if column == time:
            looked_at = [each for each in widths if rows * TIME_BYTES > before]
        else:
            looked_at = [column] if rows * widths[column] <= before else []
        for each in looked_at:
            size = len(contents.get(f"{folder}/{each}.{day}", b""))
            if size < rows * widths[each]:
                what = f"{rows} rows, and {size} bytes of {each}"
                self.complaints.append(f"readers of {folder} of {day[:8]} met {what}")

    def _widths_of(self, table: str, late: bool) -> dict[str, int]:
        if (table, late) not in self._widths:
            self._widths[table, late] = {
                column: np.dtype(dtype).itemsize
                for column, dtype in formats_of(table, self.price_dtype, late=late).items()
            }
        return self._widths[table, late]
