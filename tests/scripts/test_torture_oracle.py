"""The oracle of the torture notices what it is there for, and excuses what it must."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from scripts.torture_rig.ledger import Ledger, Life
from scripts.torture_rig.oracle import Verdict, check
from scripts.torture_rig.rows import NEVER_NS, columns_of

SECOND = 10**9
BEGAN = 1_795_240_800 * SECOND
MAKER, TAKER = "11111111-2222-4333-a444-555555555555", "66666666-7777-4888-a999-aaaaaaaaaaaa"
BOUND = SECOND
# The first process is cut after ten seconds; a second one starts later and stops in peace.
CUT, STOPPED = BEGAN + 10 * SECOND, BEGAN + 20 * SECOND
LIVES = [Life(BEGAN, CUT, BOUND), Life(BEGAN + 12 * SECOND, STOPPED, SECOND // 10)]

Rows = dict[str, "np.ndarray[Any, Any]"]


def sent_at(trade_id: int) -> int:
    """Ids 1, 2 and 3 are old, 8 comes 1.2 s before the cut, 9 comes 0.4 s before it, 10 later."""
    secs = {8: 8.8, 9: 9.6, 10: 13.0}.get(trade_id, float(trade_id))
    return BEGAN + round(secs * 1000) * 10**6


def match(trade_id: int) -> bytes:
    """The message of a trade, as a frame, made a millisecond before it was sent."""
    micros = sent_at(trade_id) // 1000 - 1000
    time = str(np.datetime64(micros, "us")) + "Z"
    text = json.dumps(
        {"type": "match", "trade_id": trade_id, "maker_order_id": MAKER, "taker_order_id": TAKER,
         "side": "sell", "size": "0.25", "price": "84106.09", "product_id": "BTC-USD",
         "sequence": 1, "time": time}
    ).encode()  # fmt: skip
    return b"\x81\x7e" + len(text).to_bytes(2, "big") + text


def rows(ids: Sequence[int]) -> Rows:
    """The columns of these trades as they should be on disk."""
    event = np.array([sent_at(each) - 10**6 for each in ids], np.int64)
    recv = event + 2 * 10**6
    count = len(ids)
    return {
        "trade_id": np.array(ids, "<u8"),
        "trade_price": np.full(count, 84106.09, "<f4"),
        "trade_size": np.full(count, 0.25, "<f4"),
        "trade_side": np.ones(count, "<u4"),
        "maker_order_id": np.array([bytes.fromhex(MAKER.replace("-", ""))] * count, "V16"),
        "taker_order_id": np.array([bytes.fromhex(TAKER.replace("-", ""))] * count, "V16"),
        "recv_time": (recv // SECOND).astype("<u4"),
        "recv_nanos": (recv % SECOND).astype("<u4"),
        "trade_nanos": (event % SECOND).astype("<u4"),
        "trade_time": (event // SECOND).astype("<u4"),
    }


def verdict_of(
    root: Path, columns: Rows, gaps: Sequence[dict[str, Any]] = (), sent: Sequence[int] = ()
) -> Verdict:
    """What the oracle says of these files when trades 1, 2, 3, 8, 9 and 10 were sent."""
    ledger = Ledger()
    for trade_id in sent or (1, 2, 3, 8, 9, 10):
        ledger.note("coinbase", match(trade_id), sent_at(trade_id))
    folder = root / "coinbase" / "BTC-USD"
    (folder / "TRADES").mkdir(parents=True)
    for name, column in columns.items():
        (folder / "TRADES" / f"{name}.21.11.26.bin").write_bytes(column.tobytes())
    text = "".join(json.dumps({"table": "TRADES", "healed": False} | gap) + "\n" for gap in gaps)
    (folder / "gaps.21.11.26.jsonl").write_text(text)
    return check(ledger, LIVES, root, STOPPED)


def gap(first: int | None, last: int | None, from_ns: int, to_ns: int) -> dict[str, Any]:
    """A gap record."""
    return {"from_id": first, "to_id": last, "from_ns": from_ns, "to_ns": to_ns, "cause": "crash"}


UNSENT = gap(4, 7, sent_at(3), sent_at(8))


def counts(verdict: Verdict) -> tuple[int, int, int, int]:
    """Lost, untold, wrong, excused."""
    return verdict.lost, verdict.untold, verdict.wrong, verdict.excused


def test_columns_of_the_rows_are_all_that_there_are() -> None:
    """These tests write every column file that the oracle reads."""
    assert set(rows([1])) == set(columns_of("TRADES"))


def test_complete_recording_is_found_complete(tmp_path: Path) -> None:
    """Everything sent is on disk, and the hole that nobody was sent has its record."""
    verdict = verdict_of(tmp_path, rows([1, 2, 3, 8, 9, 10]), [UNSENT])
    assert counts(verdict) == (0, 0, 0, 0)
    assert verdict.promised == 5  # all but the one sent within the bound
    assert verdict.longest_ns == 0


def test_row_sent_before_the_bound_must_be_there(tmp_path: Path) -> None:
    """Even a gap record does not excuse it."""
    gaps = [UNSENT, gap(8, 9, sent_at(3), sent_at(10))]
    verdict = verdict_of(tmp_path, rows([1, 2, 3, 10]), gaps)
    assert counts(verdict) == (1, 0, 0, 1)
    assert verdict.longest_ns == 1_200_000_000


@pytest.mark.parametrize(
    ("record", "expected"),
    [
        (gap(9, 9, sent_at(8), sent_at(10)), (0, 0, 0, 1)),
        (gap(None, None, sent_at(9), CUT), (0, 0, 0, 1)),
        (gap(None, None, CUT, sent_at(10)), (0, 1, 0, 0)),
        (gap(8, 8, sent_at(3), sent_at(9)), (0, 1, 0, 0)),
    ],
    ids=["by id", "by time", "another time", "another id"],
)
def test_row_sent_within_the_bound_needs_a_record(
    tmp_path: Path, record: dict[str, Any], expected: tuple[int, int, int, int]
) -> None:
    """The row may be missing, but not silently."""
    verdict = verdict_of(tmp_path, rows([1, 2, 3, 8, 10]), [UNSENT, record])
    assert counts(verdict) == expected
    assert verdict.longest_ns == 400_000_000


def test_beginning_of_a_stream_may_be_cut_off_silently(tmp_path: Path) -> None:
    """Nobody knew of it, so no record says so; what was due by then is lost as ever."""
    verdict = verdict_of(tmp_path, rows([10]), sent=[8, 9, 10])
    assert counts(verdict) == (1, 0, 0, 0)


def test_hole_in_the_ids_needs_a_record_even_if_nobody_was_sent_them(tmp_path: Path) -> None:
    """Ids 4 to 7 were made while nobody listened."""
    assert counts(verdict_of(tmp_path, rows([1, 2, 3, 8, 9, 10]))) == (0, 4, 0, 0)


def test_healed_record_covers_nothing(tmp_path: Path) -> None:
    """The last line about a hole counts."""
    verdict = verdict_of(tmp_path, rows([1, 2, 3, 8, 9, 10]), [UNSENT, UNSENT | {"healed": "late"}])
    assert counts(verdict) == (0, 4, 0, 0)


def test_row_that_was_not_sent_completely_may_be_there_or_not(tmp_path: Path) -> None:
    """Its sending was interrupted: it is promised to nobody, and not invented either."""
    for number, ids in enumerate([[1, 2], [1]]):
        ledger = Ledger()
        ledger.note("coinbase", match(1), sent_at(1))
        ledger.note("coinbase", match(2), NEVER_NS)
        folder = tmp_path / str(number) / "coinbase" / "BTC-USD" / "TRADES"
        folder.mkdir(parents=True)
        for name, column in rows(ids).items():
            (folder / f"{name}.21.11.26.bin").write_bytes(column.tobytes())
        verdict = check(ledger, LIVES, tmp_path / str(number), STOPPED)
        assert counts(verdict) == (0, 0, 0, 0)
        assert verdict.promised == 1


def _tear(columns: Rows) -> None:
    columns["trade_price"] = columns["trade_price"][:-1]


def _zero_tail(columns: Rows) -> None:
    for name, column in columns.items():
        columns[name] = np.concatenate([column, np.zeros(2, column.dtype)])


def _change_price(columns: Rows) -> None:
    columns["trade_price"][2] += np.float32(0.01)


def _swap(columns: Rows) -> None:
    for column in columns.values():
        column[[1, 2]] = column[[2, 1]]


def _repeat(columns: Rows) -> None:
    for name, column in columns.items():
        columns[name] = np.repeat(column, [1, 2, 1, 1, 1, 1])


def _forget_receipt(columns: Rows) -> None:
    columns["recv_time"][1] = 0


@pytest.mark.parametrize(
    ("damage", "wrong", "lost"),
    [
        (_tear, 1, 1),  # the row is wrong because other columns have it, and lost to readers
        (_zero_tail, 2 + 1 + 2, 0),  # two invented, once backwards in time, two never received
        (_change_price, 1, 1),
        (_swap, 1, 0),
        (_repeat, 1, 0),
        (_forget_receipt, 1, 0),
    ],
)
def test_every_kind_of_damage_is_wrong(
    tmp_path: Path, damage: Callable[[Rows], None], wrong: int, lost: int
) -> None:
    """Torn, filled with zeros, changed, unsorted, duplicate, received at no time."""
    columns = rows([1, 2, 3, 8, 9, 10])
    damage(columns)
    verdict = verdict_of(tmp_path, columns, [UNSENT])
    assert (verdict.wrong, verdict.lost) == (wrong, lost)
    assert verdict.examples
