"""Beside a recorder: a look in the middle of an append is never wrong."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.fakes.memory_files import MemoryFiles
from tests.storage.recording import NAMES, dense
from tests.storage.sample import flush, numbered, run
from tests.storage.stored import put
from tick_logger.model.schemas import Schemas
from tick_logger.model.tables import SPECS, FileColumn, Table
from tick_logger.storage.format_file import Width, write_format
from tick_logger.storage.store import Store
from tick_logger.verify.tree import verify

FOLDER = "venue/BTC-USD/TRADES"
COLUMNS = SPECS[Table.TRADES].files


@pytest.mark.parametrize("rows", [1, 2, 5])
@pytest.mark.parametrize(
    ("price_dtype", "grown"),
    [
        # Before any price is written there are as many ids as there would be halves of prices,
        ("f8", lambda column: column.source == "seq"),
        # and as many prices, seen later than the ids, as there would be pairs of them.
        ("f4", lambda column: column.dtype == "price"),
    ],
)
def test_the_width_of_prices_is_told_by_the_format(
    price_dtype: str, grown: Callable[[FileColumn], bool], rows: int
) -> None:
    """Whichever columns have grown by when they are looked at, to twice as many rows."""
    files = MemoryFiles()
    write_format(files, [Width(price_dtype)])
    put(
        Store(files, NAMES, Schemas.first(price_dtype)), flush(run(Table.TRADES, numbered(1, rows)))
    )
    for column in COLUMNS:
        content = files.contents.get(f"{FOLDER}/{column.name}.01.02.24.bin")
        if content is not None and grown(column):
            content.extend(bytes(content))
    report = verify(files, dense=dense, price_dtype=price_dtype, wait=lambda: None)
    assert report.findings == []
    assert report.rows == rows
