"""The last trades and today's holes of one symbol, read from the files as they grow.

Reads a bounded number of rows and bytes, whatever was recorded; made for a page that looks every
few seconds, not for research.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from tick_logger.exchanges import registry
from tick_logger.model.instruments import Instruments
from tick_logger.model.proof import Proof
from tick_logger.model.tables import SIDE_BUY, SIDE_SELL, Table
from tick_logger.model.times import day_of
from tick_logger.storage.day_files import DayFiles
from tick_logger.storage.files import Files
from tick_logger.storage.format_file import width_told
from tick_logger.storage.gap_files import parse_gaps, standing
from tick_logger.storage.layout import GapsPath, gaps_path, table_folder

MOST_TRADES = 500
MOST_GAPS = 200
MOST_GAP_BYTES = 1024 * 1024

_SIDES = {SIDE_BUY: "buy", SIDE_SELL: "sell"}


def recorded(
    files: Files,
    instruments: Instruments,
    exchange: str,
    symbol: str,
    now_ns: int,
    *,
    proofs: Mapping[Table, Proof] | None = None,
) -> dict[str, Any]:
    """Everything the page shows of a symbol.  Raises `LookupError` and `OSError`.

    `proofs` say how far completeness can be shown; None: as far as the exchange usually can.
    """
    shown = registry.proofs_of(exchange) if proofs is None else proofs
    if (exchange, symbol) not in instruments:
        raise LookupError(f"{exchange} has no symbol {symbol} here")
    today = day_of(now_ns)
    trades = _trades(files, exchange, symbol, today)
    if not trades:  # shortly after midnight
        trades = _trades(files, exchange, symbol, today - 1)
    return {
        "exchange": exchange,
        "symbol": symbol,
        "trades": trades,
        "rows_today": {
            str(table): rows
            for table in Table
            if (rows := _day(files, exchange, symbol, table, today)[1])
        },
        "gaps_today": _gaps(files, exchange, symbol, today),
        "proof": {str(table): proof.word for table, proof in shown.items()},
    }


def _day(files: Files, exchange: str, symbol: str, table: Table, day: int) -> tuple[DayFiles, int]:
    """The files of a day, and how many rows are whole in them."""
    folder = table_folder(exchange, symbol, table)
    found = DayFiles.look(files, folder, table, day, width_told(files))
    return found, found.whole_rows


def _trades(files: Files, exchange: str, symbol: str, day: int) -> list[list[Any]]:
    """Time in seconds, price, size, side and id of the last trades, the newest last."""
    found, rows = _day(files, exchange, symbol, Table.TRADES, day)
    count = min(rows, MOST_TRADES)
    if not count:
        return []

    def column(source: str) -> npt.NDArray[Any]:
        return found.values(files, source, rows - count, count)

    times = column("event_s") + column("event_frac") / 1e9
    sides = [_SIDES.get(side, "unknown") for side in column("side").tolist()]
    ids = map(str, column("seq").tolist())  # beyond what a number holds in a browser
    exact = "rest" in found.schema.names or found.schema.width == "f8"
    prices, sizes = (_numbers(column(source), exact=exact) for source in ("price", "size"))
    numbers = times.tolist(), prices, sizes
    return [list(each) for each in zip(*numbers, sides, ids, strict=True)]


def _numbers(values: npt.NDArray[Any], *, exact: bool) -> list[float]:
    """With no more digits than the columns can tell apart."""
    return values.tolist() if exact else [float(str(each)) for each in values.astype(np.float32)]


def _gaps(files: Files, exchange: str, symbol: str, day: int) -> list[dict[str, Any]]:
    path = gaps_path(GapsPath(exchange, symbol, day))
    if not files.exists(path):
        return []
    size = files.size(path)
    data = files.read(path, max(0, size - MOST_GAP_BYTES), MOST_GAP_BYTES)
    records = standing(parse_gaps(data, instrument=0).records)
    return [
        {
            "table": None if gap.table is None else str(gap.table),
            "from_id": None if gap.from_id is None else str(gap.from_id),
            "to_id": None if gap.to_id is None else str(gap.to_id),
            "from_ns": gap.from_ns,
            "to_ns": gap.to_ns,
            "cause": gap.cause.value,
            "healed": gap.healed,
        }
        for gap in records[-MOST_GAPS:]
    ]
