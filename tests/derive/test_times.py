"""Times that cannot be right, from messages to files: where the rows lie, and what checks say."""

from __future__ import annotations

import json

import numpy as np
import pytest

from tests.derive.derived import bytes_of, derivation, prepared, recorded, reloaded, take
from tests.derive.story import MIDNIGHT_NS, SECOND, received, started
from tests.fakes.memory_files import MemoryFiles
from tests.service.world import dense
from tick_logger.model.entries import Closed, Defined, Entry, Ticked
from tick_logger.model.tables import Table
from tick_logger.verify.tree import verify

NOON_NS = MIDNIGHT_NS + 43_200 * SECOND
HOUR_NS, DAY_NS = 3600 * SECOND, 86_400 * SECOND
SYMBOL = "BTCUSDT"
COUNT, ODD = 20, 9
FOLDER = f"binance/{SYMBOL}"
DAY = "09.08.24"


def message(number: int, event_ns: int) -> list[bytes]:
    """A trade and an update of the book with this number and time."""
    millis = event_ns // 10**6
    trade = {"e": "trade", "E": millis, "s": SYMBOL, "t": number, "p": "100.5", "q": "2",
             "T": millis, "m": False}  # fmt: skip
    update = {"e": "depthUpdate", "E": millis, "s": SYMBOL, "U": number, "u": number,
              "b": [[str(100 + number), "1"]], "a": []}  # fmt: skip
    return [
        json.dumps({"stream": f"btcusdt@{kind}", "data": data}).encode()
        for kind, data in (("trade", trade), ("depth@100ms", update))
    ]


def entries(ahead_ns: int) -> list[Entry]:
    """Seconds with a message each, of which one is so far ahead."""
    found: list[Entry] = [started(NOON_NS)]
    defined = [Defined(0, SYMBOL, (Table.TRADES, Table.BOOK))]
    for number in range(COUNT):
        recv_ns = NOON_NS + number * SECOND
        event_ns = recv_ns + (ahead_ns if number == ODD else 0)
        payloads = message(1 + number, event_ns)
        found += [received("binance", [(recv_ns, payloads)], defined=defined), Ticked()]
        defined = []
    return [*found, Closed(NOON_NS + COUNT * SECOND)]


def column(files: dict[str, bytes], name: str, dtype: str) -> list[int]:
    return [int(each) for each in np.frombuffer(files[f"{FOLDER}/{name}.{DAY}.bin"], dtype)]


@pytest.mark.parametrize("ahead_ns", [600 * SECOND, 20 * HOUR_NS, -30 * DAY_NS])
def test_a_trade_lies_in_the_day_of_its_receipt_with_its_time_as_sent(ahead_ns: int) -> None:
    """With origin 3; no hole, and no file of another day."""
    files = bytes_of(entries(ahead_ns))
    numbers = [1 + number for number in range(COUNT) if number != ODD]
    assert column(files, "TRADES/trade_id", "<u8") == numbers
    assert column(files, "late/TRADES/trade_id", "<u8") == [1 + ODD]
    assert column(files, "late/TRADES/origin", "u1") == [3]
    sent_secs = (NOON_NS + ODD * SECOND + ahead_ns) // SECOND
    assert column(files, "late/TRADES/trade_time", "<u4") == [sent_secs]
    assert {path for path in files if path.endswith(".bin") and DAY not in path} == set()
    assert not any("/gaps." in path for path in files)


@pytest.mark.parametrize("ahead_ns", [600 * SECOND, 20 * HOUR_NS, -30 * DAY_NS])
def test_a_book_lacks_nothing(ahead_ns: int) -> None:
    """Its row is in its place, with the time of the one before; a copy has the time as sent."""
    files = bytes_of(entries(ahead_ns))
    assert column(files, "BOOK/update_id", "<u8") == [1 + number for number in range(COUNT)]
    times = column(files, "BOOK/time", "<u4")
    assert times[ODD] == times[ODD - 1] == times[ODD + 1] - 2
    assert column(files, "late/BOOK/update_id", "<u8") == [1 + ODD]
    assert column(files, "late/BOOK/origin", "u1") == [3]


@pytest.mark.parametrize("ahead_ns", [600 * SECOND, 20 * HOUR_NS, -30 * DAY_NS])
def test_verification_finds_nothing_wrong_with_it(ahead_ns: int) -> None:
    """The day of such a row is that of its receipt."""
    files = MemoryFiles()
    files.contents.update(
        (path, bytearray(content)) for path, content in bytes_of(entries(ahead_ns)).items()
    )
    assert verify(files, dense=dense).findings == []
    origin = files.contents[f"{FOLDER}/late/TRADES/origin.{DAY}.bin"]
    origin[:] = b"\x01"  # late rows lie in the day of their time
    found = verify(files, dense=dense).findings
    assert bool(found) == (ahead_ns != 600 * SECOND)


@pytest.mark.parametrize("ahead_ns", [600 * SECOND, -30 * DAY_NS])
def test_a_checkpoint_at_any_moment_changes_nothing(ahead_ns: int) -> None:
    """What the clocks of venues show, and rows that wait for it, are part of the state."""
    files = prepared()
    derived = derivation(files)
    for entry in entries(ahead_ns):
        derived = reloaded(derived, files)
        take(derived, [entry])
    assert recorded(files) == bytes_of(entries(ahead_ns))
