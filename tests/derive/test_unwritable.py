"""What a derivation tells of a flush of which something has no place on the disk."""

from __future__ import annotations

import errno

from tests.derive.derived import derivation, prepared
from tests.derive.story import MIDNIGHT_NS, SECOND, TABLES, received, started
from tests.fakes.sim_disk import SimDisk
from tick_logger.model.cause import Cause
from tick_logger.model.entries import Defined, Received, Ticked
from tick_logger.model.flush import OpenHole
from tick_logger.model.marks import Interrupted
from tick_logger.model.tables import Table

TRADE = (
    b'{"type":"match","trade_id":%d,"maker_order_id":"27fff20b-af29-4f45-8744-56dd1ef57dc0",'
    b'"taker_order_id":"1da6ce16-c8da-4732-9f71-6049f4c6aaf8","side":"sell","size":"1",'
    b'"price":"10","product_id":"BTC-USD","sequence":%d,"time":"2024-08-09T00:00:%02dZ"}'
)


def trade(second: int, number: int) -> Received:
    """A trade of that second of the day, received at once; the first says what is recorded."""
    at_ns = MIDNIGHT_NS + second * SECOND
    wanted = [Defined(0, "BTC-USD", TABLES)] if number == 1 else []
    return received("coinbase", [(at_ns, [TRADE % (number, number, second)])], defined=wanted)


def test_holes_are_open_whatever_has_no_place() -> None:
    """What is left out of a flush says nothing about which holes are open after it."""
    disk = SimDisk()
    disk.fail(number=errno.EACCES, path="coinbase/BTC-USD/*")
    derived, begin_ns = derivation(prepared(disk)), MIDNIGHT_NS + SECOND
    silent = Interrupted((0,), (Table.MD,), begin_ns, Cause.SILENT)
    derived.apply(started(begin_ns))
    derived.apply(trade(1, 1))
    derived.apply(received("coinbase", [], marks=[silent]))
    for second in range(1, 10):
        derived.apply(trade(1 + second, 1 + second))
        derived.apply(Ticked(begin_ns + second * SECOND))
        outcome = derived.settle()
    assert outcome is not None
    assert len(outcome.lost) == 1
    assert outcome.flush.open_holes == (OpenHole(0, Table.MD, Cause.SILENT, begin_ns),)
