"""What every adapter promises, tried on each one found: requests, purity, and hostile payloads."""

from __future__ import annotations

import json
import random
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.exchanges.said import AnySymbol, by_frame, events_of
from tests.exchanges.samples import SAMPLES, SYMBOLS
from tests.recordings import captures, frames, needs_recordings
from tick_logger.exchanges import registry
from tick_logger.exchanges.base import (
    BookCheck,
    Decoded,
    DecodedRows,
    Exchange,
    Pong,
    Subscription,
    VenueError,
)
from tick_logger.exchanges.trades_by_rest import TradesWanted
from tick_logger.model.tables import FEEDS, FLAG_SNAPSHOT, SPECS, Table

EXCHANGES = [registry.get(name) for name in registry.available()]
each_exchange = pytest.mark.parametrize("exchange", EXCHANGES, ids=lambda each: each.name)


def recorded(exchange: Exchange, per_capture: int) -> list[bytes]:
    """Payloads from all over each recorded capture, and of each sample."""
    picked = list(SAMPLES[exchange.name].values())
    for name in captures(exchange.name):
        all_frames = frames(name)
        picked += all_frames[:: len(all_frames) // per_capture + 1]
    return picked


def check_form(decoded: Decoded, payloads: int) -> None:
    """Fields, dtypes, lengths and order are what `DecodedRows` says."""
    tables = [rows.table for rows in decoded.rows]
    assert len(tables) == len(set(tables))
    for rows in decoded.rows:
        dtypes = {
            name: np.dtype(dtype)
            for name, dtype in SPECS[rows.table].all_fields.items()
            if name != "recv_ns"
        }
        assert {name: column.dtype for name, column in rows.columns.items()} == dtypes
        assert {column.shape for column in rows.columns.values()} == {rows.frame.shape}
        assert rows.frame.dtype == np.int32
        assert rows.frame.size > 0
        assert (np.diff(rows.frame) >= 0).all()
        assert 0 <= rows.frame[0] <= rows.frame[-1] < payloads
    numbers = [number for number, _ in decoded.events]
    assert numbers == sorted(numbers)
    bad = [each.frame for each in decoded.bad]
    assert bad == sorted(set(bad))
    with_rows = {number for rows in decoded.rows for number in rows.frame.tolist()}
    assert not (with_rows | set(numbers)) & {each.frame for each in decoded.bad if not each.in_part}
    assert {each.frame for each in decoded.bad if each.in_part} <= with_rows
    assert {each.frame for each in decoded.lost} <= set(bad)
    # Beside rows there may be one, where a payload is a list of messages.
    assert not {each.frame for each in decoded.unknown} & set(bad)
    assert all(each.reason for each in decoded.bad)


# -- declarations and requests ---------------------------------------------------------------------


@each_exchange
def test_limits_are_present_and_consistent(exchange: Exchange) -> None:
    """The connection code relies on every number of the profile."""
    profile = exchange.profile
    assert 0 < profile.requests_per_second < profile.client_messages_per_second
    together = [exchange.together(Subscription("BTC-USD", feed)) for feed in exchange.feeds]
    assert max(map(len, together)) <= profile.subscriptions_per_request
    assert profile.max_answer_bytes >= 1 << 20
    assert profile.lifetime_secs is None or profile.lifetime_secs[0] < profile.lifetime_secs[1]
    assert exchange.feeds <= FEEDS.keys()
    assert 0 < profile.listing_weight <= profile.rest_weight_per_minute
    if exchange.book_check is BookCheck.RANGES:
        assert 0 < exchange.snapshot_weight(1) <= profile.rest_weight_per_minute
    assert exchange.greets <= exchange.feeds
    assert set(exchange.proofs) == {FEEDS[feed] for feed in exchange.feeds}


@each_exchange
def test_addresses_follow_the_configured_endpoints(exchange: Exchange) -> None:
    """A gateway or a simulator is reached by configuration alone."""
    assert exchange.ws_endpoint.startswith("wss://")
    assert exchange.rest_endpoint.startswith("https://")
    assert exchange.ws_url("ws://localhost:1").startswith("ws://localhost:1")
    for endpoint in ("http://localhost:1", "http://localhost:1/"):
        assert exchange.listing_url(endpoint).startswith("http://localhost:1/")
        assert "//" not in exchange.listing_url(endpoint).removeprefix("http://")


each_asked = pytest.mark.parametrize(
    "exchange",
    [each for each in EXCHANGES if each.trades_by_rest is not None],
    ids=lambda each: each.name,
)
MISSED = TradesWanted(
    symbol="A/B C-D",
    from_id=17,
    to_id=29,
    from_ns=1_790_000_000 * 10**9,
    to_ns=1_790_000_060 * 10**9,
    asked_ns=1_790_003_600 * 10**9,
)


@each_asked
def test_missed_trades_are_asked_for_within_the_limits(exchange: Exchange) -> None:
    """Each at the configured endpoint, in one address, and at half of what a minute allows."""
    asked = exchange.trades_by_rest
    assert asked is not None
    assert 0 < asked.weight <= exchange.profile.rest_weight_per_minute / 2
    assert asked.reach_secs is None or asked.reach_secs > 0
    assert asked.endpoint(exchange.rest_endpoint).startswith("https://")
    for endpoint in ("http://localhost:1", "http://localhost:1/"):
        assert asked.endpoint(endpoint) == endpoint
        url = asked.first_url(endpoint, MISSED)
        assert url.startswith("http://localhost:1/")
        assert "//" not in url.removeprefix("http://")
        assert url.isascii()
        assert " " not in url
        assert "/A/B" not in url.partition("?")[0]


@each_asked
def test_what_is_no_page_of_trades_is_reported_as_the_venues_fault(exchange: Exchange) -> None:
    asked = exchange.trades_by_rest
    assert asked is not None
    html = b"<html><body>502 Bad Gateway</body></html>"
    for body in (b"", b"null", b"17", b"[17]", b'{"data":17}', b"\xff", html, b"[" * 100_000):
        with pytest.raises(VenueError):
            asked.read(body, "A/B C-D")


@each_asked
@given(body=st.binary(max_size=60) | st.text('[]{},:"01e.-', max_size=60).map(str.encode))
def test_reading_a_page_raises_nothing_else(exchange: Exchange, body: bytes) -> None:
    asked = exchange.trades_by_rest
    assert asked is not None
    try:
        page = asked.read(body, "A/B C-D")
    except VenueError:
        return
    assert len(page) == 0


def wishes(exchange: Exchange, symbols: int) -> list[Subscription]:
    return [Subscription(f"S{i}-USD", feed) for i in range(symbols) for feed in exchange.feeds]


@each_exchange
@pytest.mark.parametrize("method", ["subscribe", "unsubscribe"])
def test_requests_cover_each_wish_once_within_the_limits(exchange: Exchange, method: str) -> None:
    """Nothing is forgotten, asked twice, or asked for in too large a request."""
    wanted = wishes(exchange, 250)
    requests = getattr(exchange, method)(wanted, 17)
    if exchange.requests_replace:  # each ends what it does not name: there is one, or none
        assert len(requests) == (method == "subscribe")
        wanted = wanted if requests else []
    settled = [subscription for request in requests for subscription in request.subscriptions]
    assert sorted(settled) == sorted(wanted)
    limit = exchange.profile.subscriptions_per_request
    assert all(0 < len(request.subscriptions) <= limit for request in requests)
    ids = [request.request_id for request in requests]
    named = exchange.names_requests
    assert ids == (list(range(17, 17 + len(ids))) if named else [None] * len(ids))
    for request in requests:
        assert len(request.text) < exchange.profile.max_answer_bytes
        assert isinstance(json.loads(request.text), dict | list)


@each_exchange
def test_requests_do_not_depend_on_the_order_of_wishes(exchange: Exchange) -> None:
    """The same wishes give the same bytes, so that runs can be compared."""
    wanted = wishes(exchange, 30)
    shuffled = random.Random(1).sample(wanted, len(wanted))
    assert exchange.subscribe(wanted, 1) == exchange.subscribe(shuffled, 1)
    assert exchange.subscribe([], 1) == []


@each_exchange
def test_what_is_no_listing_is_reported_as_the_venues_fault(exchange: Exchange) -> None:
    """An error page or a cut answer raises `VenueError` and nothing else."""
    for body in (b"", b"<html>", b"[1]", b"{}", b'{"code":-1}', b"\xff", b"[" * 5000):
        with pytest.raises(VenueError):
            exchange.parse_listing(body)


# -- decoding --------------------------------------------------------------------------------------


@each_exchange
def test_no_payloads_say_nothing(exchange: Exchange) -> None:
    """An empty batch is fine."""
    decoded = exchange.decode([], SYMBOLS)
    assert (decoded.rows, decoded.events, decoded.bad) == ((), (), ())


@each_exchange
def test_every_sample_is_understood(exchange: Exchange) -> None:
    """The samples that the other tests mutilate are good ones."""
    payloads = list(SAMPLES[exchange.name].values())
    decoded = exchange.decode(payloads, SYMBOLS)
    check_form(decoded, len(payloads))
    assert decoded.bad == ()
    assert {rows.table for rows in decoded.rows} == {FEEDS[feed] for feed in exchange.feeds}


@needs_recordings
@each_exchange
def test_decoding_is_a_pure_function_of_each_payload(exchange: Exchange) -> None:
    """A batch says what its payloads say one by one, and the same when it is decoded again."""
    payloads, symbols = recorded(exchange, 25), AnySymbol()
    whole = exchange.decode(payloads, symbols)
    check_form(whole, len(payloads))
    assert by_frame(exchange.decode(payloads, symbols)) == by_frame(whole)
    alone = {
        number: said[0]
        for number, payload in enumerate(payloads)
        if (said := by_frame(exchange.decode([payload], symbols)))
    }
    assert alone == by_frame(whole)


@needs_recordings
@each_exchange
def test_a_cut_payload_is_bad_wherever_it_is_cut(exchange: Exchange) -> None:
    """Half a message never gives half a row."""
    whole = recorded(exchange, 25)
    cut = [p[: len(p) * part // 7] for p in whole for part in range(7)] + [p[:-1] for p in whole]
    decoded = exchange.decode(cut, AnySymbol())
    assert [bad.frame for bad in decoded.bad] == list(range(len(cut)))
    assert (decoded.rows, decoded.events) == ((), ())


JUNK = [
    b"",
    b"pong",
    b"null",
    b"[]",
    b"{}",
    b"17",
    b"\xff\xfe",
    b"\x00" * 40,
    b'{"type":',
    b'{"type":"surprise"}',
    b'{"type":17}',
    b'{"stream":"btcusdt@surprise","data":{}}',
    b'{"stream":17,"data":[]}',
    b'{"x":' + b"[" * 50_000 + b"]" * 50_000 + b"}",
    b"[" * 100_000,
]


@each_exchange
@pytest.mark.parametrize("junk", JUNK, ids=lambda junk: repr(junk[:30]))
def test_junk_is_bad_and_harms_nothing_else(exchange: Exchange, junk: bytes) -> None:
    """One bad payload in a batch costs that payload only."""
    if events_of(exchange.decode([junk], SYMBOLS)) == [Pong()]:
        pytest.skip("to this venue it is the answer to a ping")
    good = list(SAMPLES[exchange.name].values())
    mixed = exchange.decode([*good[:3], junk, *good[3:]], SYMBOLS)
    check_form(mixed, len(good) + 1)
    assert [bad.frame for bad in mixed.bad] + [one.frame for one in mixed.unknown] == [3]
    said = by_frame(mixed)
    del said[3]
    expected = by_frame(exchange.decode(good, SYMBOLS))
    assert said == {number + (number >= 3): what for number, what in expected.items()}


@each_exchange
def test_a_reason_is_never_long(exchange: Exchange) -> None:
    """A log line and a metric label must hold it, whatever was sent."""
    payloads = [b'{"type":"' + b"x" * 10_000 + b'"}', b'{"stream":"' + b"x" * 10_000 + b'"}']
    assert all(len(bad.reason) < 300 for bad in exchange.decode(payloads, SYMBOLS).bad)


@each_exchange
def test_rows_of_an_unknown_symbol_make_their_payload_bad(exchange: Exchange) -> None:
    """What nobody subscribed to is not stored under a wrong name."""
    payloads = list(SAMPLES[exchange.name].values())
    with_rows = {
        number for rows in exchange.decode(payloads, SYMBOLS).rows for number in rows.frame.tolist()
    }
    decoded = exchange.decode(payloads, {})
    assert decoded.rows == ()
    assert with_rows <= {bad.frame for bad in decoded.bad}
    assert "unknown symbol" in {bad.reason.partition(" '")[0] for bad in decoded.bad}
    assert decoded.lost == ()  # nobody wanted it


# -- hostile values --------------------------------------------------------------------------------

VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(10**30), 10**30),
    st.floats(),
    st.text(max_size=8),
    st.sampled_from(["nan", "inf", "-inf", "1e999", "\ud800", "-1", "0", "", "buy", "BTCUSDT"]),
    st.sampled_from(["NaT", "0001-01-01T00:00:00.000000Z", "2021-13-17T16:43:30.244075Z"]),
    st.sampled_from(["2021-04-17T16:43:30+02:00", "27fff20b-af29-4f45-8744-56dd1ef57dc "]),
    st.lists(st.sampled_from(["1", "buy", 2.5, None]), max_size=3),
    st.dictionaries(st.sampled_from(["e", "s", "type", "id"]), st.text(max_size=3), max_size=2),
)


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:  # noqa: ANN401
    """The paths of everything inside a JSON value."""
    items = value.items() if isinstance(value, dict) else enumerate(value)
    found = []
    for key, inner in items:
        found.append((*path, key))
        if isinstance(inner, dict | list):
            found += places(inner, (*path, key))
    return found


@st.composite
def mutilated(draw: st.DrawFn, name: str) -> bytes:
    """A sample in which one value was replaced or left out, or some bytes were changed."""
    sample = draw(st.sampled_from(list(SAMPLES[name].values())))
    if draw(st.booleans()):
        at = draw(st.integers(0, len(sample)))
        return sample[:at] + draw(st.binary(max_size=4)) + sample[at + draw(st.integers(0, 4)) :]
    message = json.loads(sample)
    *path, last = draw(st.sampled_from(places(message)))
    parent = message
    for key in path:
        parent = parent[key]
    if draw(st.booleans()):
        parent[last] = draw(VALUES)
    else:
        del parent[last]
    return json.dumps(message, ensure_ascii=draw(st.booleans())).encode("utf-8", "surrogatepass")


def says_that_a_side_is_empty(rows: DecodedRows) -> npt.NDArray[np.bool_]:
    """Rows that have no price because a side of a snapshot has no levels."""
    if rows.table is not Table.BOOK:
        return np.zeros(len(rows.frame), np.bool_)
    flagged = rows.columns["flags"] == FLAG_SNAPSHOT
    nothing = (rows.columns["size"] == 0) & np.isnan(rows.columns["price"])
    return np.asarray(flagged & nothing)


@each_exchange
@settings(max_examples=300)
@given(data=st.data())
def test_nothing_that_is_sent_raises(exchange: Exchange, data: st.DataObject) -> None:
    """Mutilated payloads among good ones: no exception, no wrong form, no harm to the others."""
    hostile = data.draw(st.lists(mutilated(exchange.name) | st.binary(max_size=20), max_size=4))
    good = list(SAMPLES[exchange.name].values())
    mixed = exchange.decode([*hostile, *good], SYMBOLS)
    check_form(mixed, len(hostile) + len(good))
    for rows in mixed.rows:
        numbers = [column for column in rows.columns.values() if column.dtype.kind == "f"]
        assert not any(np.isinf(column).any() for column in numbers)
        known = np.array(numbers)[:, ~says_that_a_side_is_empty(rows)]
        assert rows.table in {Table.MD, Table.QUOTES} or np.isfinite(known).all()
    offset = len(hostile)
    said = {number - offset: what for number, what in by_frame(mixed).items() if number >= offset}
    assert said == by_frame(exchange.decode(good, SYMBOLS))
