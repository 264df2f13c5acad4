"""The column files of one table and day as a whole: their sizes, and how many rows these mean.

The width of prices is not written down anywhere on disk; it shows in the sizes, because the other
columns of the same rows have fixed widths.
"""

from __future__ import annotations

from collections.abc import Mapping

import attrs

from tick_logger.model.tables import SPECS, Table
from tick_logger.storage.files import Files
from tick_logger.storage.layout import column_name

PRICE_WIDTHS = ("f4", "f8")


@attrs.frozen
class DayFiles:
    """Sizes in bytes of the column files of one table and day, in the order of the table's spec.

    `folder` is the table's; a column whose file does not exist has size 0.
    """

    folder: str
    table: Table
    day: int
    sizes: Mapping[str, int]

    @classmethod
    def look(cls, files: Files, folder: str, table: Table, day: int) -> DayFiles:
        """The sizes as they are now."""
        sizes = {
            column.name: files.size(f"{folder}/{column_name(column.name, day)}")
            for column in SPECS[table].files
        }
        return cls(folder, table, day, sizes)

    def path(self, column: str) -> str:
        """The path of one of the files."""
        return f"{self.folder}/{column_name(column, self.day)}"

    def rows(self, price_dtype: str) -> dict[str, int]:
        """Whole rows in each column, with prices of this width."""
        widths = item_sizes(self.table, price_dtype)
        return {name: size // widths[name] for name, size in self.sizes.items()}

    def missing(self) -> list[str]:
        """Empty columns of a day whose time column, the last to be written, has rows."""
        times = self.sizes[SPECS[self.table].time_column]
        return [name for name, size in self.sizes.items() if times and not size]

    def whole_rows(self, price_dtype: str) -> int:
        """How many rows are complete in every column."""
        return min(self.rows(price_dtype).values())

    def price_dtype(self) -> str:
        """The width of prices that fits the sizes best; "f4" if there is nothing to tell by."""
        return min(PRICE_WIDTHS, key=self._misfit)

    def is_exactly(self, price_dtype: str) -> bool:
        """Whether there are rows, and every size is right for this width of prices."""
        rows = self.rows(price_dtype)
        widths = item_sizes(self.table, price_dtype)
        equal = len(set(rows.values())) == 1 and self.whole_rows(price_dtype) > 0
        return equal and all(self.sizes[name] == rows[name] * widths[name] for name in rows)

    def cut(self, files: Files, rows: int, price_dtype: str) -> dict[str, int]:
        """Cut every column that is longer than `rows`; returns rows cut, a torn one included.

        The time column goes first, so that no reader counts rows that are on their way out.
        """
        cut = {}
        for name, width in reversed(item_sizes(self.table, price_dtype).items()):
            excess = self.sizes[name] - rows * width
            if excess > 0:
                files.truncate(self.path(name), rows * width)
                cut[name] = -(-excess // width)
        return cut

    def _misfit(self, price_dtype: str) -> int:
        """Rows by which the price columns differ from the longest other one, taken together."""
        rows = self.rows(price_dtype)
        columns = SPECS[self.table].files
        prices = [rows[column.name] for column in columns if column.dtype == "price"]
        longest = max(rows[column.name] for column in columns if column.dtype != "price")
        return sum(abs(price_rows - longest) for price_rows in prices)


def item_sizes(table: Table, price_dtype: str) -> dict[str, int]:
    """Bytes of one record of each column, time last."""
    return {column.name: column.numpy_dtype(price_dtype).itemsize for column in SPECS[table].files}
