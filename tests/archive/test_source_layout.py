"""Layout "source": messages by symbol and kind, as users of that collector have them."""

from __future__ import annotations

import json
import re
from io import BytesIO

import pyarrow.parquet as pq
from trio.testing import MockClock

from tests.archive.test_raw import FRAMES, HERE, bodies, journal_of, received
from tests.fakes.memory_files import MemoryFiles
from tests.playback.recorded import record_simulated, rows_beside
from tests.storage.sample import DAY
from tick_logger.archive import source_layout
from tick_logger.archive.jobs import RawJob
from tick_logger.archive.source_layout import NOT_DECODED, OF_NO_SYMBOL, pack
from tick_logger.journal.entry_codec import decode_entries
from tick_logger.model.entries import Received
from tick_logger.model.times import NS_PER_DAY

COLUMNS = {
    "exchange": "string",
    "symbol": "string",
    "exchange_sequence_id": "string",
    "timestamp_collector": "int64",
    "timestamp_exchange": "int64",
    "data": "string",
}
KEY = re.compile(
    r"binance/(\w+)/(orderbook|trade|ticker|quote)/here/(\d{4}-\d\d-\d\d)/(\d+).parquet"
)


async def test_messages_of_a_recording_by_symbol_and_kind(autojump_clock: MockClock) -> None:
    """Each as received, with its times and id; what is of no symbol is counted."""
    recording = await record_simulated("binance", 20.0)
    frames = bodies(recording)
    job = RawJob(HERE, frames[0][0], frames[-1][0] + 1, layout="source")
    files = MemoryFiles()
    result = pack(job, rows_beside(recording), recording, files)
    entries = [entry for _, body in frames for entry in decode_entries(body)]
    at = {
        payload: int(recv_ns)
        for entry in entries
        if isinstance(entry, Received)
        for payload, recv_ns in zip(entry.split(), entry.recv_ns_of_payloads(), strict=True)
    }
    packed: set[bytes] = set()
    for made in result.made:
        match = KEY.fullmatch(made.key)
        assert match is not None, made.key
        symbol, kind, _, first_ms = match.groups()
        table = pq.ParquetFile(BytesIO(bytes(files.contents[made.key]))).read()
        assert {field.name: str(field.type) for field in table.schema} == COLUMNS
        rows = table.to_pylist()
        assert len(rows) == made.rows
        assert rows[0]["timestamp_collector"] // 1000 == int(first_ms)
        assert made.day == at[rows[0]["data"].encode()] // NS_PER_DAY
        for row in rows:
            packed.add(row["data"].encode())
            assert (row["exchange"], row["symbol"]) == ("binance", symbol)
            assert row["timestamp_collector"] == at[row["data"].encode()] // 1000
            said = json.loads(row["data"])
            said = said.get("data", said)
            if kind == "trade":
                assert said["s"].lower() == symbol
                assert row["exchange_sequence_id"] == str(said["t"])
                assert row["timestamp_exchange"] // 1000 in (said["T"], said["T"] // 1000)
    assert {made.key.split("/")[2] for made in result.made} >= {"trade", "orderbook", "quote"}
    assert set(result.left_out) == {OF_NO_SYMBOL}
    assert len(at) - len(packed) <= result.left_out[OF_NO_SYMBOL]
    again = MemoryFiles()
    assert pack(job, rows_beside(recording), recording, again) == result
    assert again.contents == files.contents


def test_what_cannot_be_decoded_is_counted() -> None:
    """Messages of an exchange that nobody knows, and those on which the adapter failed."""
    files = MemoryFiles()
    result = pack(RawJob(HERE, 1, 8), rows_beside(MemoryFiles()), journal_of(FRAMES), files)
    assert result.made == ()
    assert result.left_out == {NOT_DECODED: 9}
    odd = journal_of([(received("binance", ("1", DAY * NS_PER_DAY, [b"?"]), decodable=False),)])
    result = pack(RawJob(HERE, 1, 2), rows_beside(MemoryFiles()), odd, files)
    assert result.left_out == {NOT_DECODED: 1}
    assert source_layout.MOST_BYTES > 0
