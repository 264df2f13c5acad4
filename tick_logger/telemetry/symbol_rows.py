"""Rows by exchange, symbol and feed: counted where that is wanted, made into text when asked for.

There are thousands of these numbers, so they are in no registry that is read each second.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection

NAME = "collector_symbol_rows_written_total"

_ESCAPES = str.maketrans({"\\": r"\\", '"': r"\"", "\n": r"\n"})


class SymbolRows:
    """Counts; in the text format of Prometheus on demand."""

    def __init__(self) -> None:
        self._rows: Counter[tuple[str, str, str]] = Counter()

    def count(self, exchange: str, symbol: str, feed: str, rows: int) -> None:
        """So many rows more."""
        self._rows[exchange, symbol, feed] += rows

    def text(self, exchanges: Collection[str] | None = None) -> bytes:
        """Those of these exchanges (None: all), as a scrape takes them."""
        lines = [f"# HELP {NAME} Rows written, by symbol", f"# TYPE {NAME} counter"]
        lines += [
            f'{NAME}{{exchange="{exchange}",feed="{feed}",symbol="{symbol.translate(_ESCAPES)}"}}'
            f" {rows}"
            for (exchange, symbol, feed), rows in self._rows.items()
            if exchanges is None or exchange in exchanges
        ]
        return ("\n".join(lines) + "\n").encode()
