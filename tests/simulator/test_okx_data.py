"""What the OKX dialect sends, over memory streams on virtual time, and how the venue writes it."""

from __future__ import annotations

import itertools
import json
import re
from collections import defaultdict
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
import trio
from trio.testing import MockClock

from tests.exchanges.said import AnySymbol
from tests.recordings import body, frames, needs_recordings
from tests.simulator.books import levels
from tests.simulator.clients import EPOCH_NS, connect, exchange, memory_get, messages, send, texts
from tests.simulator.okx_clients import (
    BTC,
    BUSINESS,
    ETH,
    NAME,
    PUBLIC,
    PUBLIC_CHANNELS,
    Message,
    request,
    slow,
    streamed,
    subscribed,
)
from tick_logger.exchanges.base import BookLink, BookSnapshot
from tick_logger.exchanges.okx import EXCHANGE
from tick_logger.simulator.faults import GARBAGE_KINDS, Faults

# -- data ------------------------------------------------------------------------------------------


async def test_single_trades_are_the_truth(
    autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    """One in each message, ids without a hole, times in milliseconds; nothing from before."""
    served = exchange(NAME)
    got = await streamed(nursery, served, "trades-all", 10.0)
    assert len(got) > 20
    for message, true in zip(got, served.truth.sent(BTC), strict=False):
        assert message["data"] == [
            {
                "instId": BTC,
                "tradeId": str(true.trade_id),
                "px": true.price,
                "sz": true.size,
                "side": true.side,
                "ts": str(true.event_ns // 10**6),
                "source": "0",
            }
        ]
        assert true.event_ns % 10**6 == 0
        assert true.event_ns >= EPOCH_NS
    ids = [int(each["data"][0]["tradeId"]) for each in got]
    assert ids == list(range(ids[0], ids[0] + len(ids)))


async def test_trades_begin_with_the_last_one(
    autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    """However old it is."""
    served = exchange(NAME)
    got = await streamed(nursery, served, "trades", 5.0)
    trades = served.truth.trades(BTC)
    assert [each["data"][0]["tradeId"] for each in got] == [
        str(trade.trade_id) for trade in trades[: len(got)]
    ]
    assert trades[0].event_ns < EPOCH_NS


async def test_withheld_trades_show_in_tickers_only(
    autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    """Both channels of trades have the same holes, and the book goes on."""
    served = exchange(NAME, faults=Faults(id_hole_probability=0.3))
    public = await subscribed(nursery, served, "trades", "tickers", "books")
    business = await connect(nursery, served, BUSINESS)
    await send(business, request("subscribe", ("trades-all", BTC)))
    got = (await messages(public, 20.0))[3:]
    alone = [int(each["data"][0]["tradeId"]) for each in (await messages(business, 0.05))[1:]]
    of: dict[str, list[Message]] = defaultdict(list)
    for message in got:
        of[message["arg"]["channel"]].append(message["data"][0])
    withheld = {trade.trade_id for trade in served.truth.withheld(BTC)}
    many = [int(each["tradeId"]) for each in of["trades"][1:]]
    assert len(withheld) > 5
    assert not withheld & {*alone, *many}
    assert alone
    assert set(alone) <= set(many)
    prices = {t.price for t in served.truth.withheld(BTC)} - {
        t.price for t in served.truth.sent(BTC)
    }
    assert prices & {each["last"] for each in of["tickers"]}
    assert all(one["seqId"] == two["prevSeqId"] for one, two in itertools.pairwise(of["books"]))


async def test_tickers_tell_of_trades_and_best_prices(
    autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    """Ten a second at most, not one without a change, the first at once."""
    served = exchange(NAME)
    got = [each["data"][0] for each in await streamed(nursery, served, "tickers", 10.0)]
    assert 20 < len(got) <= 101
    trades = {(trade.price, trade.size) for trade in served.truth.trades(BTC)}
    assert {(each["last"], each["lastSz"]) for each in got} <= trades
    assert all(Decimal(each["bidPx"]) < Decimal(each["askPx"]) for each in got)
    times = [int(each["ts"]) for each in got[1:]]
    assert all(two - one >= 99 for one, two in itertools.pairwise(times))


async def test_quotes_follow_the_best_prices(
    autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    """With growing ids, never crossed; the first at once."""
    got = [each["data"][0] for each in await streamed(nursery, exchange(NAME), "bbo-tbt", 5.0)]
    assert len(got) > 20
    for one, two in itertools.pairwise(got):
        assert one["seqId"] < two["seqId"]
        assert (one["bids"], one["asks"]) != (two["bids"], two["asks"])
    for each in got:
        ((bid, *_),), ((ask, *_),) = each["bids"], each["asks"]
        assert Decimal(bid) < Decimal(ask)


async def test_books_chain_and_add_up(autojump_clock: MockClock, nursery: trio.Nursery) -> None:
    """Whenever somebody subscribes: each update names the one before, a size of 0 deletes."""
    served = exchange(NAME)
    first = await subscribed(nursery, served, "books")
    await trio.sleep(3.033)  # in the middle of a period
    second = await connect(nursery, served, PUBLIC)
    await send(second, request("subscribe", ("books", BTC)))
    await trio.sleep(4.0)
    served.delist_symbol(BTC)
    listing = served.market.listings[BTC]
    for connection in (first, second):
        acknowledgement, *got = await messages(connection, 0.2)
        assert acknowledgement["event"] == "subscribe"
        assert [each["action"] for each in got] == ["snapshot"] + ["update"] * (len(got) - 1)
        data = [each["data"][0] for each in got]
        assert data[0]["prevSeqId"] == -1
        assert 20 < len(data) <= 72
        assert all(one["seqId"] == two["prevSeqId"] for one, two in itertools.pairwise(data))
        assert {each["checksum"] for each in data} == {0}
        assert data[-1]["seqId"] == listing.book.update_id
        for side, is_bid in (("bids", True), ("asks", False)):
            said = {price: size for each in data for price, size, _, _ in each[side]}
            kept = {Decimal(p): Decimal(s) for p, s in said.items() if s != "0"}
            assert kept == levels(listing, bids=is_bid)


async def test_a_repeated_subscription_brings_no_second_snapshot(
    autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    """One has to unsubscribe before."""
    connection = await connect(nursery, exchange(NAME), PUBLIC)
    for op in ("subscribe", "subscribe", "unsubscribe", "subscribe"):
        await send(connection, request(op, ("books", BTC)))
    kinds = [each.get("event") or each["action"] for each in await messages(connection, 1.0)]
    expected = ["subscribe", "snapshot", "subscribe", "unsubscribe", "subscribe", "snapshot"]
    assert kinds == expected


async def test_a_quiet_book_shows_that_it_lives(
    autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    """About every minute: an update without levels, or the newest of what is a whole anyway."""
    served = slow(messages_per_second=0.0)
    connection = await subscribed(nursery, served, "books", "bbo-tbt", "books5")
    got: dict[str, list[Message]] = defaultdict(list)
    for _ in range(10):
        await connection.send_message("ping")
        for text in await texts(connection, 20.0):
            message = {} if text == "pong" else json.loads(text)
            if "data" in message:
                got[message["arg"]["channel"]].append(message)
    snapshot, *alive = got["books"]
    assert len(alive) == 3
    for message in alive:
        data = message["data"][0]
        assert (message["action"], data["bids"], data["asks"]) == ("update", [], [])
        assert data["prevSeqId"] == data["seqId"] == snapshot["data"][0]["seqId"]
    for channel in ("bbo-tbt", "books5"):
        contents = [{**each["data"][0], "ts": ""} for each in got[channel]]
        assert contents == contents[:1] * 4
    assert served.violations == []


async def test_five_levels_are_the_best_of_the_book(
    autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    """All of them in each message, best first, without an action."""
    got = await streamed(nursery, exchange(NAME), "books5", 3.0)
    assert len(got) > 10
    for message in got:
        (data,) = message["data"]
        assert "action" not in message
        for side, sign in (("bids", -1), ("asks", 1)):
            prices = [sign * Decimal(level[0]) for level in data[side]]
            assert len(prices) == 5
            assert prices == sorted(prices)


async def test_a_shutdown_is_announced_to_all(
    autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    """On both addresses, in the documented words."""
    served = exchange(NAME)
    clients = [await connect(nursery, served, path) for path in (PUBLIC, BUSINESS)]
    assert served.announce_shutdown() == 2
    for connection in clients:
        (notice,) = await messages(connection, 0.1)
        assert (notice["event"], notice["code"]) == ("notice", "64008")
        assert "service upgrade" in notice["msg"]


async def test_the_rate_of_messages_is_about_what_was_asked_for(
    autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    """When every feed of every instrument is subscribed, on both addresses together."""
    served = exchange(NAME, messages_per_second=400.0)
    symbols = list(served.market.listings)
    received = 0
    clients = []
    for path, channels in ((PUBLIC, ("tickers", "bbo-tbt", "books")), (BUSINESS, ("trades-all",))):
        connection = await connect(nursery, served, path)
        wanted = [(channel, symbol) for channel in channels for symbol in symbols]
        await send(connection, request("subscribe", *wanted))
        clients.append(connection)
        await messages(connection, 0.1)
    await nursery.start(served.run_market)
    await trio.sleep(10.0)
    for connection in clients:
        received += len(await messages(connection, 0.01))
    assert 0.6 * 400 < received / 10 < 1.2 * 400


# -- the adapter and the recordings ----------------------------------------------------------------


async def test_the_adapter_understands_everything(
    autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    """Every message of every channel, and the chain of a book holds."""
    served = exchange(NAME, messages_per_second=300.0)
    public = await subscribed(nursery, served, *PUBLIC_CHANNELS)
    business = await connect(nursery, served, BUSINESS)
    await send(business, request("subscribe", ("trades-all", BTC)))
    await public.send_message("ping")
    served.announce_shutdown()
    got = [str(text).encode() for each in (public, business) for text in await texts(each, 5.0)]
    decoded = EXCHANGE.decode(got, AnySymbol())
    assert decoded.bad == ()
    assert {rows.table.value for rows in decoded.rows} == {"MD", "TRADES", "QUOTES", "BOOK"}
    chain = [
        event for n, event in decoded.events if isinstance(event, BookLink | BookSnapshot)
        and b'"books"' in got[n]
    ]  # fmt: skip
    assert isinstance(chain[0], BookSnapshot)
    for one, two in itertools.pairwise(chain):
        assert isinstance(two, BookLink)
        assert two.previous_id == one.last_id


@pytest.mark.parametrize("kind", GARBAGE_KINDS)
async def test_garbage_is_of_its_kind(
    kind: str, autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    """The adapter takes nothing of what is garbage; what it understands changes nothing."""
    served = exchange(NAME, faults=Faults(garbage_probability=1.0))
    connection = await subscribed(nursery, served, "bbo-tbt")
    got = await texts(connection, 30.0)
    assert served.counts.garbage > 50
    payloads = [text if isinstance(text, bytes) else text.encode() for text in got]
    decoded = EXCHANGE.decode(payloads, AnySymbol())
    signs: dict[str, Callable[[bytes], bool]] = {
        "not_json": lambda p: p.startswith(b"<html>"),
        "wrong_types": lambda p: b'"seven"' in p,
        "huge_integer": lambda p: re.search(rb'"tradeId":"[0-9]{26}"', p) is not None,
        "nested": lambda p: b"[" * 5000 in p,
        "unknown_type": lambda p: b"tomorrow" in p,
        "invalid_utf8": lambda p: b"\xff\xfe" in p,
        "truncated": lambda p: p.startswith(b"{") and not p.endswith(b"}"),
    }
    of_kind = {n for n, payload in enumerate(payloads) if signs[kind](payload)}
    bad = {each.frame for each in decoded.bad} | {each.frame for each in decoded.unknown}
    assert of_kind
    assert of_kind <= bad or kind == "invalid_utf8"
    good = set(range(len(payloads))) - bad
    said = {n for rows in decoded.rows for n in rows.frame.tolist()}
    assert said == {n for n in good if b'"bbo-tbt"' in payloads[n] and b"event" not in payloads[n]}


def shape(value: Any) -> Any:  # noqa: ANN401 - what JSON is
    """Keys in their order, and how each value is spelled."""
    if isinstance(value, dict):
        return {key: shape(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [shape(inner) for inner in value[:1]]
    if isinstance(value, str) and re.fullmatch(r"0|[1-9]\d*|(0|[1-9]\d*)\.\d*[1-9]", value):
        return "number"
    return type(value).__name__


@needs_recordings
@pytest.mark.parametrize(
    ("capture", "channel", "action"),
    [
        ("trades_2026-08-12", "trades", None),
        ("tickers_2026-08-12", "tickers", None),
        ("books_2026-08-24", "books", "snapshot"),
        ("books_2026-08-24", "books", "update"),
    ],
)
async def test_messages_have_the_form_of_the_recorded(
    capture: str,
    channel: str,
    action: str | None,
    autojump_clock: MockClock,
    nursery: trio.Nursery,
) -> None:
    """The same keys in the same order, numbers spelled the same way, bytes without spaces."""
    recorded = [json.loads(frame) for frame in frames(f"okx/{capture}.jsonl")]
    connection = await subscribed(nursery, exchange(NAME), channel)
    got = await texts(connection, 5.0)
    assert all(text == json.dumps(json.loads(text), separators=(",", ":")) for text in got)
    sent = [json.loads(text) for text in got]
    assert shape({**sent[0], "id": ""}) == shape({**recorded[0], "id": ""})

    def data(all_messages: list[Message]) -> Message:
        return next(
            each
            for each in all_messages
            if "data" in each
            and each.get("action") == action
            and all(each["data"][0].get(side, [1]) for side in ("bids", "asks"))
        )

    theirs, ours = data(recorded), data(sent)
    assert json.dumps(shape(ours)) == json.dumps(shape(theirs))


@needs_recordings
async def test_the_listing_has_the_form_of_the_recorded(autojump_clock: MockClock) -> None:
    """Key for key, in their order, as of 2022."""
    (recorded, *_) = json.loads(body("okx/rest_instruments_SPOT_2022-05-13.json"))["data"]
    ((_, answer),) = await memory_get(exchange(NAME), "/api/v5/public/instruments?instType=SPOT")
    (ours, *_) = json.loads(answer)["data"]
    assert list(ours) == list(recorded)
    assert {key for key in ours if ours[key]} == {key for key in recorded if recorded[key]}


async def test_the_listing_tells_which_instruments_trade(autojump_clock: MockClock) -> None:
    """A delisted one is suspended; a new one is there at once; other markets have none."""
    served = exchange(NAME, symbols=[BTC, ETH])
    served.delist_symbol(ETH)
    served.list_symbol("NEW-USDT")
    answers = await memory_get(
        served,
        "/api/v5/public/instruments?instType=SPOT",
        "/api/v5/public/instruments?instType=SWAP",
        "/api/v5/public/instruments",
        "/api/v5/other",
    )
    assert [status for status, _ in answers] == [200, 200, 400, 404]
    listed = EXCHANGE.parse_listing(answers[0][1])
    assert [(each.symbol, each.active, each.base, each.quote) for each in listed] == [
        (BTC, True, "BTC", "USDT"),
        (ETH, False, "ETH", "USDT"),
        ("NEW-USDT", True, "NEW", "USDT"),
    ]
    assert json.loads(answers[1][1]) == {"code": "0", "data": [], "msg": ""}
    assert json.loads(answers[2][1])["code"] == "50014"
