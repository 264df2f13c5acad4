"""What a newer version left is refused at once, in words, and nothing of it is touched."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, TypeAlias

import attrs
import msgspec
import pytest

from tests.fakes.clock import NOON_NS
from tests.fakes.memory_files import MemoryFiles
from tests.service.world import binance, in_virtual_time, running
from tick_logger.derive.recovery import recover_directory
from tick_logger.errors import StorageError
from tick_logger.exit_codes import CLEAN, STORAGE
from tick_logger.journal.journal import Journal
from tick_logger.journal.reader import JournalReader
from tick_logger.model.schemas import Schemas
from tick_logger.model.tables import EXACT
from tick_logger.storage.checkpoint import decode_slot, encode_slot
from tick_logger.storage.extents_log import ExtentsLog
from tick_logger.storage.format_file import GENERATION
from tick_logger.verify.recording import verify_recording

HOUR_NS = 3_600 * 10**9
SYMBOL = "BTCUSDT"
COLUMNS = Schemas.written(EXACT).to_plain()
SLOTS = ("journal/checkpoint.0", "journal/checkpoint.1")

Change: TypeAlias = Callable[[MemoryFiles], None]


def live(files: MemoryFiles, start_ns: int) -> tuple[int | None, list[str]]:
    """A life of some seconds, unless it ends by itself: exit code, and why nothing was recorded."""

    async def life() -> tuple[int | None, list[str]]:
        logger = {"checkpoint_interval_secs": 1.0}
        async with running(binance(SYMBOL), files=files, logger=logger, start_ns=start_ns) as world:
            await world.until(3.0)
            code = await world.stop() if world.code is None else world.code
            return code, [line["reason"] for line in world.said("storage_failed")]

    return in_virtual_time(life)


@pytest.fixture(scope="module")
def recorded() -> dict[str, bytes]:
    """A recording of this version."""
    files = MemoryFiles()
    assert live(files, NOON_NS) == (CLEAN, [])
    return {path: bytes(content) for path, content in files.contents.items()}


# -- what a newer version may have written ---------------------------------------------------------


def described(change: Callable[[dict[str, Any]], object]) -> Change:
    """`format.json` says something else."""

    def apply(files: MemoryFiles) -> None:
        description = json.loads(files.contents["format.json"])
        change(description)
        files.contents["format.json"] = bytearray(json.dumps(description).encode())

    return apply


def saved(change: Callable[[dict[str, Any]], object]) -> Change:
    """The state in both checkpoints."""

    def apply(files: MemoryFiles) -> None:
        for path in SLOTS:
            checkpoint = decode_slot(bytes(files.contents[path]))
            change(checkpoint.state)
            files.contents[path] = bytearray(encode_slot(checkpoint))

    return apply


def in_format_3(path: str) -> Change:
    """A checkpoint has another format."""

    def apply(files: MemoryFiles) -> None:
        checkpoint = attrs.evolve(decode_slot(bytes(files.contents[path])), version=3)
        files.contents[path] = bytearray(encode_slot(checkpoint))

    return apply


def entry(*fields: object) -> Change:
    """One more frame in the journal, in a segment of another process."""

    def apply(files: MemoryFiles) -> None:
        reader = JournalReader(files, from_seq=1)
        assert list(reader)
        journal = Journal(files, next_seq=reader.next_seq, segment=reader.last_segment + 1)
        journal.accept(msgspec.msgpack.encode([fields]))
        journal.write(NOON_NS)
        journal.sync()

    return apply


def received(*, tables: tuple[str, ...] = (), marks: tuple[object, ...] = ()) -> Change:
    defined = [[0, SYMBOL, tables]]
    return entry("received", "binance", ["1"], b"", b"", b"", b"", defined, marks, [], True)


def started(price_dtype: str, **columns: str) -> Change:
    return entry("started", NOON_NS, "9.0", price_dtype, 2, COLUMNS | columns)


def met(path: str, columns: str) -> Change:
    """The log of extents names another table-day."""

    def apply(files: MemoryFiles) -> None:
        epoch = max(decode_slot(bytes(files.contents[p])).state["extents_epoch"] for p in SLOTS)
        log = ExtentsLog(files)
        log.resume(epoch)
        log.add([_Plain([path, 20_000, 0, columns])])  # type: ignore[list-item]

    return apply


@attrs.frozen
class _Plain:
    """An extent of which nothing but its text is known."""

    plain: list[object]

    def to_plain(self) -> list[object]:
        """What is written."""
        return self.plain


TWO = f"{COLUMNS['MD']} liquidity=<u4"

NEWER = {
    "version of the format": described(lambda it: it.update(version=3)),
    "version and form of the format": described(lambda it: it.update(version=3, tables=[])),
    "readable from": described(lambda it: it.update(readable_from=GENERATION + 1)),
    "readable from, and form": described(lambda it: it.update(readable_from=99, tables=[])),
    "described width": described(lambda it: it["price_dtypes"][-1].update(price_dtype="f16")),
    "described table": described(lambda it: it["tables"].update(FUNDING=it["tables"]["MD"])),
    "described column": described(lambda it: it["tables"]["MD"]["columns"].append({"name": "x"})),
    "first checkpoint": in_format_3(SLOTS[0]),
    "second checkpoint": in_format_3(SLOTS[1]),
    "saved columns": saved(lambda it: it["columns"].update(MD=TWO)),
    "saved table": saved(lambda it: it["columns"].update(FUNDING="price=<f4")),
    "saved width": saved(lambda it: it.update(price_dtype="f16")),
    "extent's columns": saved(lambda it: it["store"]["extents"].update(schemas=[TWO] * 9)),
    "met columns": met(f"binance/{SYMBOL}/MD", TWO),
    "met table": met(f"binance/{SYMBOL}/FUNDING", "f4"),
    "kind of entry": entry("melted", 1),
    "kind of mark": received(marks=(["Sealed", [0]],)),
    "table": received(tables=("FUNDING",)),
    "width": started("f16"),
    "column": started(EXACT, MD=TWO),
    "dtype": started(EXACT, MD=COLUMNS["MD"].replace("side=<u4", "side=|u1")),
    "columns of a table": started(EXACT, FUNDING="f4"),
}


def untouched(files: MemoryFiles) -> dict[str, bytes]:
    """All but who holds the lock."""
    return {path: bytes(text) for path, text in files.contents.items() if path != "journal/lock"}


@pytest.mark.parametrize("change", NEWER.values(), ids=NEWER)
def test_it_is_refused(recorded: dict[str, bytes], change: Change) -> None:
    """By the recorder, which does not try again; by recover, and by verify."""
    files = MemoryFiles()
    files.contents = {path: bytearray(content) for path, content in recorded.items()}
    change(files)
    before = untouched(files)
    code, reasons = live(files, NOON_NS + HOUR_NS)
    assert code == STORAGE
    assert [("newer version" in reason) for reason in reasons] == [True]
    files._locked.clear()
    with pytest.raises(StorageError, match="newer version"):
        recover_directory(files, "", NOON_NS, accept_damage=True, on_progress=lambda *_: None)
    with pytest.raises(StorageError, match="newer version"):
        verify_recording(files)
    assert untouched(files) == before
