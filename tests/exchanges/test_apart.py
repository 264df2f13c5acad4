"""Payloads taken apart: what is left out is what is bad, however many and however long."""

from __future__ import annotations

import json
from collections.abc import Sequence
from random import Random

import numpy as np
import pytest

from tests.exchanges.said import in_part, rows_of
from tests.exchanges.samples import SAMPLES, SYMBOLS
from tick_logger.exchanges import apart, registry
from tick_logger.exchanges.apart import Form, understood
from tick_logger.exchanges.base import BadFrame, BookSnapshot, Decoded, Lost
from tick_logger.exchanges.hot import HotShapes
from tick_logger.exchanges.naming import Naming, of_kinds
from tick_logger.model.tables import Table

OKX, COINBASE = registry.get("okx"), registry.get("coinbase")
BTC = SYMBOLS["BTC-USD"]


def snapshot(bids: Sequence[object], asks: Sequence[object] = ()) -> bytes:
    message = {"type": "snapshot", "product_id": "BTC-USD", "bids": bids, "asks": asks}
    return json.dumps(message).encode()


@pytest.mark.parametrize("levels", [1, 2, 63, 64, 65, 5000])
@pytest.mark.parametrize("bad", [0, 1, 7])
def test_bad_levels_are_found_among_many(levels: int, bad: int) -> None:
    """Wherever they are; the good ones stay in order."""
    rng = Random(levels * 10 + bad)
    sent: list[object] = [[str(n + 1), "1"] for n in range(levels)]
    places = set(rng.sample(range(levels), min(bad, levels)))
    for at in places:
        sent[at] = rng.choice([["much", "1"], ["5"], {"price": 5}, None, 7, ["-1", "1"]])
    decoded = COINBASE.decode([snapshot(sent, [["9999", "1"]])], SYMBOLS)
    prices = [row["price"] for row in rows_of(decoded, Table.BOOK)]
    assert prices == [float(n + 1) for n in range(levels) if n not in places] + [9999.0]
    assert [each.table for each in decoded.lost] == [Table.BOOK] * bool(places)
    assert decoded.events == (() if places else ((0, BookSnapshot(BTC, 0)),))


def test_both_sides_may_be_bad_and_each_keeps_its_good_levels() -> None:
    """They are judged apart from each other."""
    decoded = COINBASE.decode(
        [snapshot([["1", "1"], ["x", "1"]], [["y", "1"], ["2", "1"]])], SYMBOLS
    )
    assert in_part(decoded)[1] == [(Table.BOOK, BTC, None)]
    assert [row["price"] for row in rows_of(decoded, Table.BOOK)] == [1.0, 2.0]


def test_many_bad_payloads_are_taken_apart_together() -> None:
    """Each of them says what it would say alone, between those that are good at once."""
    good = SAMPLES["okx"]["trades-all"]
    message = json.loads(good)
    (trade,) = message["data"]
    payloads = []
    for n in range(200):
        trades = [
            {**trade, "tradeId": str(3 * n + k), "px": "" if k == n % 3 else "1"} for k in range(3)
        ]
        payloads += [good, json.dumps({**message, "data": trades}).encode()]
    decoded = OKX.decode(payloads, SYMBOLS)
    ids = [row["seq"] for row in rows_of(decoded, Table.TRADES) if row["frame"] % 2]
    assert ids == [3 * n + k for n in range(200) for k in range(3) if k != n % 3]
    assert [each.frame for each in decoded.bad] == list(range(1, 400, 2))
    assert [each.trade_id for each in decoded.lost] == [3 * n + n % 3 for n in range(200)]


def test_the_work_of_one_call_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is not settled by then is lost as a whole, and told."""
    monkeypatch.setattr(apart, "MOST_ATTEMPTS", 3)
    bad = snapshot([["x", "1"]] * 500 + [["1", "1"]])
    decoded = COINBASE.decode([bad], SYMBOLS)
    assert decoded.rows == ()
    assert decoded.lost == (Lost(0, BTC, Table.BOOK),)


def test_no_round_of_a_search_goes_beyond_the_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    """Many bad messages at once would be cut into a multitude of pieces."""
    monkeypatch.setattr(apart, "MOST_ATTEMPTS", 1_000)
    asked: list[int] = []

    def read(payloads: Sequence[bytes]) -> Decoded:
        asked.append(len(payloads))
        bad = (n for n, payload in enumerate(payloads) if b"9" in payload)
        return Decoded(bad=tuple(BadFrame(n, "no nines") for n in bad))

    form = Form(Naming(of_kinds({"t": (Table.TRADES,)})), {Table.TRADES: ("data.*",)})
    payload = json.dumps({"kind": "t", "s": "A", "data": [9] * 100}).encode()
    found = understood(read, [payload] * 300, {"A": 3}, form, HotShapes())
    first, *searching, _ = asked
    assert first == 300
    assert 300 < sum(searching) <= 1_000
    assert {each.frame for each in found.lost} == {*range(300)}


def test_half_of_the_best_prices_is_no_quote() -> None:
    """A side that is missing would look like one without orders."""
    message = json.loads(SAMPLES["okx"]["bbo-tbt"])
    message["data"][0]["bids"] = [["x", "1", "0", "1"]]
    decoded = OKX.decode([json.dumps(message).encode()], SYMBOLS)
    assert decoded.rows == ()
    assert [each.table for each in decoded.lost] == [Table.QUOTES]


def test_what_has_no_lists_is_good_or_lost() -> None:
    """A reader that takes nothing is asked a few times, and that is all."""
    asked: list[int] = []

    def read(payloads: Sequence[bytes]) -> Decoded:
        asked.append(len(payloads))
        return Decoded(bad=tuple(BadFrame(n, "no") for n in range(len(payloads))))

    form = Form(
        Naming(of_kinds({"t": (Table.TRADES,)}), trade_id="id"), {Table.TRADES: ("data.*",)}
    )
    payload = b'{"kind":"t","s":"A","id":7,"data":[{"x":1},{"x":2}]}'
    found = understood(read, [payload, b"?"], {"A": 3}, form, HotShapes())
    assert found.lost == (Lost(0, 3, Table.TRADES, 7),)
    assert [each.in_part for each in found.bad] == [False, False]
    assert sum(asked) < 10


def test_numbers_of_messages_are_counted_once() -> None:
    """Whether their messages are good, bad or good in part."""
    advanced = registry.get("coinbase_advanced")
    message = json.loads(SAMPLES["coinbase_advanced"]["market_trades"])
    payloads = []
    for number, price in enumerate(("1", "x", None, "2")):
        message["sequence_num"] = number
        message["events"][0]["trades"][0]["price"] = price
        payloads.append(json.dumps(message).encode())
    counted = advanced.decode(payloads, SYMBOLS).counted
    assert counted is not None
    assert counted.frame.dtype == np.int32
    assert (counted.frame.tolist(), counted.number.tolist()) == ([0, 1, 2, 3], [0, 1, 2, 3])
