"""Faults that every venue can have: what is refused, not acknowledged, not sent, or makes no sense.

Seen by a client that asks, and mostly reads, as the recorder does.
"""

from __future__ import annotations

import itertools
import json
import math
from typing import Any
from urllib.parse import urlsplit

import attrs
import pytest
import trio
from trio.testing import MockClock

from tests.exchanges.said import rows_of
from tests.simulator.any_client import VENUES, AnyClient, any_client
from tests.simulator.clients import EPOCH_NS, close_code, exchange, memory_get
from tick_logger.exchanges import registry
from tick_logger.exchanges.base import (
    Acknowledged,
    BookCheck,
    BookLink,
    BookSnapshot,
    BookTexts,
    Confirmed,
    Granted,
    Refused,
)
from tick_logger.model.tables import FLAG_SNAPSHOT, Table
from tick_logger.simulator.faults import Faults
from tick_logger.simulator.oddities import UNFIT_NAMES
from tick_logger.simulator.registry import DIALECTS

each_venue = pytest.mark.parametrize("name", VENUES)
GRANTS = (Acknowledged, Granted, Confirmed)
NANOSECONDS = 10**9


def symbols(name: str, count: int = 2) -> tuple[str, ...]:
    return tuple(DIALECTS[name].symbols[:count])


async def asked(
    nursery: trio.Nursery, name: str, feed: str, faults: Faults, **options: object
) -> tuple[AnyClient, list[bytes]]:
    """A client that asked for two symbols, and what it was sent in some five seconds."""
    client = await any_client(nursery, name, feed, faults, **options)
    await client.subscribe(*symbols(name))
    return client, await client.hear(5.003)  # between two steps of the market


@each_venue
async def test_a_feed_can_be_refused(
    name: str, autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    """For every symbol, and no other feed with it that is asked for on another channel."""
    faults = Faults(refused_feeds=frozenset({"trades"}))
    client, got = await asked(nursery, name, "trades", faults)
    assert client.events(got, Refused)
    assert client.decode(got).rows == ()
    client, got = await asked(nursery, name, "orderbook", faults)
    assert client.events(got, Refused) == []
    assert client.served.violations == []


WORDS = {
    "binance": "Too many requests",
    "bybit": "Too many visits!",
    "bybit_linear": "Too many visits!",
    "coinbase": "rate limit exceeded",
    "coinbase_advanced": "rate limit exceeded",
    "kraken": "Exceeded msg rate",
    "okx": "Requests too frequent",
    "upbit": "too many requests",
}


@each_venue
async def test_a_venue_can_be_busy(
    name: str, autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    """In its own words, until it is not any more."""
    client, got = await asked(nursery, name, "trades", Faults(busy=True))
    refusals = client.events(got, Refused)
    assert refusals
    assert all(WORDS[name] in each.reason for each in refusals if isinstance(each, Refused))
    client.served.set_faults(Faults())
    await client.subscribe(*symbols(name), first_id=7)
    assert rows_of(client.decode(await client.hear(5.0)), Table.TRADES)


@each_venue
async def test_a_refusal_can_end_the_connection(
    name: str, autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    """After the refusal was said, with a close frame."""
    first = symbols(name)[0]
    faults = Faults(refused_symbols=frozenset({first}), refusals_close=True)
    client, got = await asked(nursery, name, "trades", faults)
    assert client.events(got, Refused)
    assert await close_code(client.connection) == 1008
    assert trio.current_time() < 6.0


@pytest.mark.parametrize("name", [name for name in VENUES if name != "upbit"])
async def test_an_acknowledgement_can_be_lost(
    name: str, autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    """What was asked for comes all the same."""
    client, got = await asked(nursery, name, "trades", Faults(lost_ack_probability=1.0))
    assert client.events(got, *GRANTS, Refused) == []
    assert rows_of(client.decode(got), Table.TRADES)


@pytest.mark.parametrize("name", [name for name in VENUES if name not in ("binance", "upbit")])
async def test_a_book_may_begin_without_its_snapshot(
    name: str, autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    """That of one symbol; the other has one."""
    first, other = symbols(name)
    faults = Faults(no_snapshot_symbols=frozenset({first}))
    client, got = await asked(nursery, name, "orderbook", faults)
    found = rows_of(client.decode(got), Table.BOOK)
    flagged = {row["instrument"] for row in found if row["flags"] & FLAG_SNAPSHOT}
    assert client.symbols[first] in {row["instrument"] for row in found}
    assert flagged == {client.symbols[other]}


@pytest.mark.parametrize("name", [name for name in VENUES if name != "binance"])
async def test_a_book_may_begin_without_its_sides(
    name: str, autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    """The snapshot says which it lacks, and what follows at once has it: the book is as ever."""
    lacked = set()
    for seed in range(5):
        faults = Faults(hollow_snapshot_probability=1.0)
        client, got = await asked(nursery, name, "orderbook", faults, seed=seed)
        decoded = client.decode(got)
        assert not decoded.bad
        for instrument in client.symbols.values():
            by_message: dict[int, list[dict[str, Any]]] = {}
            for row in rows_of(decoded, Table.BOOK):
                if row["instrument"] == instrument:
                    by_message.setdefault(row["frame"], []).append(row)
            snapshot, filling, *_ = by_message.values()
            assert all(row["flags"] & FLAG_SNAPSHOT for row in snapshot)
            empty = frozenset(row["side"] for row in snapshot if math.isnan(row["price"]))
            assert empty <= {row["side"] for row in filling if row["size"]}
            lacked.add(empty)
    assert lacked == {frozenset({0}), frozenset({1}), frozenset({0, 1})}


@pytest.mark.parametrize(
    "name", [name for name in VENUES if registry.get(name).book_check is BookCheck.CHECKSUM]
)
async def test_checksums_may_be_left_out(
    name: str, autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    """Of some messages, which are as ever otherwise."""
    client, got = await asked(nursery, name, "orderbook", Faults(no_checksum_probability=0.5))
    texts = client.events(got, BookTexts)
    without = [each for each in texts if isinstance(each, BookTexts) and each.checksum is None]
    assert 0.2 < len(without) / len(texts) < 0.8
    assert not client.decode(got).bad


@each_venue
@pytest.mark.parametrize("secs", [600.0, 32_400.0, -94_608_000.0])
async def test_event_times_can_be_off(
    name: str, secs: float, autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    """The truth says as well when a trade was really made."""
    faults = Faults(odd_time_probability=0.3, odd_time_secs=secs)
    client, got = await asked(nursery, name, "trades", faults)
    truth = {each.trade_id: each for each in client.served.truth.trades(symbols(name)[0])}
    found = [row for row in rows_of(client.decode(got), Table.TRADES) if row["seq"] in truth]
    told = {row["event_ns"] - truth[row["seq"]].made_ns for row in found}
    shift_ns, rounding_ns = round(secs * NANOSECONDS), 10**6
    odd = {ns for ns in told if abs(ns - shift_ns) < rounding_ns}
    assert odd
    assert odd != told
    assert all(abs(ns) < rounding_ns for ns in told - odd)
    assert [row["event_ns"] for row in found] == [truth[row["seq"]].event_ns for row in found]


@each_venue
async def test_a_clock_can_be_ahead(
    name: str, autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    """All its times are, and when it is mended it stands still until they are true again."""
    client, got = await asked(nursery, name, "trades", Faults(clock_offset_secs=7.0))
    ahead = [row["event_ns"] - EPOCH_NS for row in rows_of(client.decode(got), Table.TRADES)]
    assert max(ahead) > 11 * NANOSECONDS
    client.served.set_faults(Faults())
    got = await client.hear(20.0)
    later = [row["event_ns"] - EPOCH_NS for row in rows_of(client.decode(got), Table.TRADES)]
    assert min(later) >= 11 * NANOSECONDS
    assert max(later) < trio.current_time() * NANOSECONDS + NANOSECONDS


@each_venue
async def test_one_trade_of_a_message_can_be_bad(
    name: str, autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    """It has no price; the other trades of its message are as they should be."""
    client, got = await asked(nursery, name, "trades", Faults(bad_trade_probability=1.0))
    spoilt = DIALECTS[name].words
    bad = [each for each in got if spoilt.trades_word in each and b":null" in each]
    assert len(bad) == client.served.counts.bad_trades > 0
    assert all(f'"{spoilt.price_of_trade}":null'.encode() in each for each in bad)
    assert all(each.count(b":null") == 1 for each in bad)


@each_venue
async def test_a_message_of_an_unknown_kind_can_come(
    name: str, autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    """Beside each other one, and it is JSON."""
    client, got = await asked(nursery, name, "trades", Faults(unknown_kind_probability=1.0))
    unknown = [each for each in got if b"tomorrow" in each]
    assert len(unknown) == client.served.counts.unknown_kinds > 0
    assert all(json.loads(each) for each in unknown)
    assert rows_of(client.decode([each for each in got if each not in unknown]), Table.TRADES)


@each_venue
async def test_a_listing_can_have_odd_entries(name: str, autojump_clock: MockClock) -> None:
    """Four of them, and names that no folder can have, beside those that are always there."""
    adapter, words = registry.get(name), DIALECTS[name].words
    url = urlsplit(adapter.listing_url(adapter.rest_endpoint))
    entries = []
    for faults in (Faults(), Faults(odd_listing=True)):
        ((status, body),) = await memory_get(
            exchange(name, faults=faults), f"{url.path}?{url.query}"
        )
        assert status == 200
        document = json.loads(body)
        for step in words.listing_place:
            document = document[step]
        entries.append(list(document.values() if isinstance(document, dict) else document))
    usual, odd = entries
    assert [each for each in odd if each in usual] == usual
    rest = [each for each in odd if each not in usual]
    names = [each.get(words.name_in_listing) for each in rest if isinstance(each, dict)]
    assert len(rest) == 4 + len(UNFIT_NAMES)
    assert set(UNFIT_NAMES) <= set(names)
    assert {"soon"} == {each for each in rest if isinstance(each, str)}
    assert {} in rest
    assert any(isinstance(each, dict) and each.get(words.name_in_listing) == "" for each in rest)


@pytest.mark.parametrize(
    "name", [name for name in VENUES if registry.get(name).book_check is BookCheck.RANGES]
)
async def test_rest_can_answer_with_what_was(
    name: str, autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    """The book as of some seconds before."""
    client = await any_client(nursery, name, "orderbook", Faults(rest_lag_secs=4.0))
    first = symbols(name)[0]
    url = urlsplit(client.adapter.snapshot_url("", first, 1))
    await trio.sleep(1.0)
    before = client.served.market.listings[first].book.update_id
    ((_, body),) = await memory_get(client.served, f"{url.path}?{url.query}")
    assert trio.current_time() == pytest.approx(5.0)
    assert json.loads(body)["lastUpdateId"] == before
    assert client.served.market.listings[first].book.update_id > before


@pytest.mark.parametrize(
    "name", [name for name in VENUES if registry.get(name).book_check is BookCheck.RANGES]
)
async def test_rest_can_answer_with_what_is_still_to_be_sent(
    name: str, autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    """Changes of books come late, in order, none is left out, and at once when it is over."""
    client = await any_client(nursery, name, "orderbook", Faults(rest_lead_secs=3.0))
    first = symbols(name)[0]
    await client.subscribe(first)
    got = await client.hear(5.0)
    url = urlsplit(client.adapter.snapshot_url("", first, 1))
    ((_, body),) = await memory_get(client.served, f"{url.path}?{url.query}")
    ahead_id = json.loads(body)["lastUpdateId"]
    before = client.events(got, BookLink)
    assert max(link.last_id for link in before if isinstance(link, BookLink)) < ahead_id
    got += await client.hear(4.0)
    client.served.set_faults(Faults())
    got += await client.hear(0.3)
    links = [link for link in client.events(got, BookLink) if isinstance(link, BookLink)]
    assert all(one.last_id + 1 == next_.first_id for one, next_ in itertools.pairwise(links))
    assert any(link.last_id == ahead_id for link in links)
    late_ns = client.served.market.now_ns - rows_of(client.decode(got), Table.BOOK)[-1]["event_ns"]
    assert late_ns < NANOSECONDS


@each_venue
async def test_a_venue_can_be_too_busy_for_some(
    name: str, autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    """Whoever asks for one of these is told so, and may have the others."""
    first, other = symbols(name)
    client = await any_client(nursery, name, "trades", Faults(busy_symbols=frozenset({first})))
    await client.subscribe(first)
    assert client.events(await client.hear(2.0), Refused)
    await client.subscribe(other, first_id=7)
    got = await client.hear(5.0)
    assert client.events(got, Refused) == []
    assert rows_of(client.decode(got), Table.TRADES)


@each_venue
@pytest.mark.parametrize("sides", [{"asks"}, {"bids"}, {"asks", "bids"}])
async def test_a_side_of_a_book_can_be_empty(
    name: str, sides: set[str], autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    """It is emptied by changes, or new to a client, and comes back by changes."""
    first = symbols(name)[0]
    client = await any_client(nursery, name, "orderbook", Faults(), book_levels=5)
    await client.subscribe(first)
    seen = Seen(client)
    await seen.go_on(2.0)
    emptied = Faults(empty_book_symbols=frozenset({first}), empty_sides=frozenset(sides))
    client.served.set_faults(emptied)
    await seen.go_on(2.0)
    for is_bid, side in ((0, "asks"), (1, "bids")):
        assert (seen.book[is_bid] == {}) == (side in sides)
    client.served.set_faults(Faults())
    await seen.go_on(2.0)
    listing = client.served.market.listings[first]
    if name != "upbit":  # which may be a step behind
        for is_bid in (0, 1):
            now = listing.book.levels(bool(is_bid))
            texts = [listing.spec.price(ticks) for ticks, _ in now]
            assert seen.book[is_bid].keys() == {*map(float, texts)} or listing.book.changed


@attrs.define(eq=False)
class Seen:
    """The book as a client that began without one has it, of changes and snapshots."""

    client: AnyClient
    book: tuple[dict[float, float], dict[float, float]] = attrs.field(factory=lambda: ({}, {}))

    async def go_on(self, secs: float) -> None:
        """Hear more."""
        got = await self.client.hear(secs + 0.003)
        decoded = self.client.decode(got)
        begun = {frame for frame, event in decoded.events if isinstance(event, BookSnapshot)}
        rows = rows_of(decoded, Table.BOOK)
        last = -1
        for row in rows:
            if row["flags"] & FLAG_SNAPSHOT and row["frame"] != last:
                self.book = {}, {}
            last = row["frame"]
            if row["size"] > 0:
                self.book[row["side"]][row["price"]] = row["size"]
            else:
                self.book[row["side"]].pop(row["price"], None)
        if begun and max(begun) > last:  # a snapshot without levels has no rows
            self.book = {}, {}
