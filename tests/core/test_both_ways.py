"""With the compiled core and without it, the same messages say the same."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec
import numpy as np
import pytest

from tests.core.both_ways import needs_core, shapes_of, without_core
from tests.core.fuzz import compare, fuzz_frames, fuzz_messages, is_same
from tests.exchanges.said import AnySymbol
from tests.exchanges.samples import SAMPLES, SYMBOLS
from tests.recordings import captures, frames, needs_recordings
from tick_logger.core.shape import MESSAGE, Each, Members, Node
from tick_logger.exchanges import (
    _binance_messages,
    _bybit_messages,
    _coinbase_advanced_messages,
    _kraken_messages,
    _okx_messages,
    _upbit_messages,
    coinbase,
    registry,
)
from tick_logger.exchanges.base import Exchange
from tick_logger.model.payloads import Payloads
from tick_logger.model.tables import FEEDS

EXCHANGES = [registry.get(name) for name in registry.available()]
each_exchange = pytest.mark.parametrize("exchange", EXCHANGES, ids=lambda each: each.name)
ROOT = Path(__file__).parent.parent.parent


def check_both_ways(exchange: Exchange, payloads: Sequence[bytes]) -> None:
    symbols = AnySymbol()
    fast = exchange.decode(payloads, symbols)
    with without_core():
        assert is_same(fast, exchange.decode(payloads, symbols))


@needs_core
@needs_recordings
@each_exchange
def test_recorded_messages_say_the_same(exchange: Exchange) -> None:
    """Those of each recording, control messages and what is odd among them."""
    for name in captures(exchange.name):
        payloads = frames(name)
        check_both_ways(exchange, payloads[:: len(payloads) // 2_000 + 1])


@needs_core
@each_exchange
def test_what_is_frequent_is_taken(exchange: Exchange) -> None:
    """Of each table some sample: a core that leaves everything would be of no use."""
    samples = list(SAMPLES[exchange.name].values())
    compared = compare(exchange, samples)
    assert 0 < compared < len(samples)
    together = Payloads.of(samples)
    scanned = shapes_of(exchange).scanner.scan(together.block, together.packed, SYMBOLS)
    assert scanned is not None
    left = set(scanned[0].tolist())
    assert len(left) == len(samples) - compared
    of_taken = exchange.decode([p for n, p in enumerate(samples) if n not in left], SYMBOLS)
    assert {part.table for part in of_taken.rows} == {FEEDS[feed] for feed in exchange.feeds}


@needs_core
@each_exchange
def test_messages_of_all_kinds_stay_in_their_order(exchange: Exchange) -> None:
    """Taken ones and left ones by turns, with some that are bad."""
    samples = [*SAMPLES[exchange.name].values(), b"?"]
    order = np.random.default_rng(1).integers(0, len(samples), 200)
    check_both_ways(exchange, [samples[place] for place in order])


@needs_core
@each_exchange
def test_a_symbol_that_nobody_knows_is_judged_by_the_adapter(exchange: Exchange) -> None:
    """Also where others of the same batch are known."""
    samples = list(SAMPLES[exchange.name].values()) * 2
    for few in ({}, dict(list(SYMBOLS.items())[::2]), dict(list(SYMBOLS.items())[1::2])):
        fast = exchange.decode(samples, few)
        with without_core():
            assert is_same(fast, exchange.decode(samples, few))


@needs_core
def test_an_update_that_goes_back_is_left() -> None:
    """Its ids are judged beside its shape."""
    exchange = registry.get("binance")
    good = SAMPLES["binance"]["depth"]
    assert b'"U":101,"u":103' in good
    bad = good.replace(b'"U":101,"u":103', b'"U":103,"u":101')
    check_both_ways(exchange, [good, bad, good])
    assert compare(exchange, [good, bad, good]) == 2


@needs_core
def test_mutated_messages_say_the_same() -> None:
    """Some of what `scripts/fuzz` tries."""
    (tally,) = fuzz_messages(8_000, seed=1)
    assert tally.mutations == 8_000
    assert tally.taken > 500


@needs_core
def test_mutated_frames_come_apart_as_without_the_core() -> None:
    fuzz_frames(400, seed=1)


@needs_core
@pytest.mark.seldom
def test_the_adapters_keep_their_promises_without_the_core() -> None:
    """All tests of them once more."""
    words = [sys.executable, "-m", "pytest", "-q", "-n", "0", "tests/exchanges", "tests/field"]
    done = subprocess.run(
        words, cwd=ROOT, env={**os.environ, "TICK_LOGGER_PURE": "1"}, check=False,
        capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-3_000:]


# -- what shapes must name -------------------------------------------------------------------------

NAMED: dict[str, list[tuple[str, type[msgspec.Struct]]]] = {
    "binance": [
        ("", _binance_messages.Envelope),
        ("data", _binance_messages.Trade),
        ("data", _binance_messages.BookTicker),
        ("data", _binance_messages.Depth),
        ("data", _binance_messages.Ticker),
    ],
    "coinbase": [("", coinbase._Match), ("", coinbase._Ticker), ("", coinbase._L2Update)],
    "coinbase_advanced": [
        ("", _coinbase_advanced_messages.Tickers),
        ("events.trades", _coinbase_advanced_messages.Trade),
        ("events.tickers", _coinbase_advanced_messages.Ticker),
        ("events", _coinbase_advanced_messages.Update),
        ("events.updates", _coinbase_advanced_messages.Change),
    ],
    "okx": [
        ("", _okx_messages.Books),
        ("arg", _okx_messages.BookArg),
        ("data", _okx_messages.Trade),
        ("data", _okx_messages.Ticker),
        ("data", _okx_messages.Best),
        ("data", _okx_messages.Book),
    ],
    "bybit": [
        ("", _bybit_messages.Book),
        ("", _bybit_messages.Ticker),
        ("", _bybit_messages.AnyMessage),
        ("data", _bybit_messages.Trade),
        ("data", _bybit_messages.Prices),
        ("data", _bybit_messages.Levels),
    ],
    "kraken": [
        ("", _kraken_messages.Books),
        ("data", _kraken_messages.Trade),
        ("data", _kraken_messages.Ticker),
        ("data", _kraken_messages.Book),
        ("data.bids", _kraken_messages.Level),
    ],
    "upbit": [
        ("", _upbit_messages.Trade),
        ("", _upbit_messages.Ticker),
        ("", _upbit_messages.Orderbook),
        ("", _upbit_messages.Other),
        ("orderbook_units", _upbit_messages.Unit),
    ],
}


def members_at(members: Mapping[str, Node], path: str) -> Mapping[str, Node]:
    """Those of the object at a path such as `data.bids`, past lists; none where there is none."""
    for name in filter(None, path.split(".")):
        node: Node | None = members.get(name)
        while isinstance(node, Each):
            node = node.element
        members = node.members if isinstance(node, Members) else {}
    return members


@pytest.mark.parametrize("name", NAMED)
def test_shapes_name_all_that_adapters_read(name: str) -> None:
    """What a shape does not name may be anything, and an adapter would look at it."""
    readings = shapes_of(registry.get(name)).scanner.readings
    for path, struct in NAMED[name]:
        fields = set(struct.__struct_encode_fields__)
        fields |= {str(struct.__struct_config__.tag_field)} - {"None"}
        found = [members_at(reading.shape.members, path).keys() for reading in readings]
        assert any(fields <= names for names in found), (path, struct)


def test_each_exchange_has_shapes() -> None:
    """Those of two that are alike are one."""
    assert NAMED.keys() == {each.name.partition("_linear")[0] for each in EXCHANGES}
    for exchange in EXCHANGES:
        assert all(MESSAGE in each.shape.scopes for each in shapes_of(exchange).scanner.readings)
