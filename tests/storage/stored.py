"""What the tests of the store share: a store, and what lies in its files."""

from __future__ import annotations

from collections.abc import Sequence

from tests.fakes.memory_files import MemoryFiles
from tests.storage.sample import instruments
from tick_logger.model.entries import KeptAside
from tick_logger.model.flush import Flush
from tick_logger.model.schemas import Schemas
from tick_logger.storage.store import Store

MD = "venue/BTC-USD/MD"
TRADES = "venue/BTC-USD/TRADES"

# Written down by hand, so that the tests do not share the table of columns with the code.
MD_WIDTHS = dict.fromkeys(
    ["price", "volume", "side", "best_bid", "best_ask", "recv_time", "recv_nanos", "nanos", "time"],
    4,
)
TRADES_WIDTHS = {
    "trade_id": 8,
    "trade_price": 4,
    "trade_size": 4,
    "trade_side": 4,
    "maker_order_id": 16,
    "taker_order_id": 16,
    "recv_time": 4,
    "recv_nanos": 4,
    "trade_nanos": 4,
    "trade_time": 4,
}


def store(files: MemoryFiles, price_dtype: str = "f4") -> Store:
    """A store that knows three symbols, as a new process would make it."""
    names = instruments(("venue", "BTC-USD"), ("venue", "ETH-USD"), ("venue", "A/B"))
    return Store(files, names, Schemas.first(price_dtype))


def put(store: Store, flush: Flush, asides: Sequence[KeptAside] = ()) -> None:
    """Meet and write, as every user of a store has to."""
    store.meet(flush, asides)
    store.write(flush, asides)


def column(files: MemoryFiles, folder: str, name: str) -> bytes:
    return bytes(files.contents[f"{folder}/{name}.01.02.24.bin"])


def rows_of_each_day(files: MemoryFiles) -> dict[str, int]:
    """Rows by table folder; fails if columns differ or a record is torn."""
    found: dict[str, set[int]] = {}
    for path, content in files.contents.items():
        folder, name = path.rsplit("/", 1)
        width = (TRADES_WIDTHS if "TRADES" in folder else MD_WIDTHS)[name.split(".")[0]]
        assert len(content) % width == 0, path
        found.setdefault(folder, set()).add(len(content) // width)
    assert all(len(rows) == 1 for rows in found.values()), found
    return {folder: rows.pop() for folder, rows in found.items()}
