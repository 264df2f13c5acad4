"""Each member of each message of each venue: blank, spelled otherwise, in company of new ones.

The laws hold for whatever stands in the samples, so that no member has to be named here: a sample
that is added, or a field that is used from now on, is tried as well.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.exchanges.said import by_frame
from tests.exchanges.samples import SAMPLES, SYMBOLS
from tick_logger.exchanges import registry
from tick_logger.exchanges.base import Exchange, Lost
from tick_logger.model.tables import Table

Path = tuple[Any, ...]

EACH = [(name, sample) for name in registry.available() for sample in SAMPLES[name]]
each_sample = pytest.mark.parametrize(("venue", "sample"), EACH)

TIMES = {
    "binance": {"T", "E"},
    "okx": {"ts"},
    "bybit": {"T", "ts", "cts"},
    "bybit_linear": {"T", "ts", "cts"},
    "upbit": {"timestamp", "trade_timestamp", "tms", "ttms"},
}
"""Members that hold times as numbers, in units that only their size tells."""

NUMBER = re.compile(r"-?\d+(\.\d+)?([eE][+-]?\d+)?")
BAD = {"no": "thing"}
"""Stands for whatever nobody can make sense of."""


def parsed(venue: str, sample: str) -> Any:  # noqa: ANN401 - any JSON
    """A sample as JSON, its numbers with every digit."""
    try:
        return json.loads(SAMPLES[venue][sample], parse_float=Spelled, parse_int=Spelled)
    except ValueError:
        pytest.skip("no JSON")


class Spelled(str):
    """A number as it is spelled."""


def spelled(value: object) -> bytes:
    """JSON in which numbers are spelled as they were."""
    if isinstance(value, Spelled):
        return str(value).encode()
    if isinstance(value, dict):
        pairs = (json.dumps(key).encode() + b":" + spelled(each) for key, each in value.items())
        return b"{" + b",".join(pairs) + b"}"
    if isinstance(value, list):
        return b"[" + b",".join(map(spelled, value)) + b"]"
    return json.dumps(value).encode()


def members(value: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:  # noqa: ANN401 - any JSON
    """The paths of all members and elements, and what they are."""
    items = value.items() if isinstance(value, dict) else enumerate(value)
    for key, inner in items:
        yield (*path, key), inner
        if isinstance(inner, dict | list):
            yield from members(inner, (*path, key))


def changed(message: object, path: Path, change: Callable[[Any, Any], None]) -> bytes:
    """The message after something was done to the parent of a member."""
    copy = _copied(message)
    *above, last = path
    parent = copy
    for key in above:
        parent = parent[key]
    change(parent, last)
    return spelled(copy)


def _copied(value: Any) -> Any:  # noqa: ANN401 - any JSON
    if isinstance(value, dict):
        return {key: _copied(each) for key, each in value.items()}
    return [_copied(each) for each in value] if isinstance(value, list) else value


def put(new: object) -> Callable[[Any, Any], None]:
    """Puts something else into the place of a member."""

    def change(parent: Any, key: object) -> None:  # noqa: ANN401 - any JSON
        parent[key] = new

    return change


def leave_out(parent: Any, key: object) -> None:  # noqa: ANN401 - any JSON
    """Takes a member away."""
    del parent[key]


def says(exchange: Exchange, payload: bytes) -> list[object]:
    """What a payload says, but for the words of complaints."""
    decoded = exchange.decode([payload], SYMBOLS)
    said = by_frame(decoded).get(0, [])
    bad = [("bad", each.in_part) for each in decoded.bad]
    return [*(each for each in said if not isinstance(each, str)), *bad]


@each_sample
def test_a_blank_is_a_member_that_was_not_sent(venue: str, sample: str) -> None:
    """Null, and an empty text as well, wherever it stands: in control messages too."""
    exchange, message = registry.get(venue), parsed(venue, sample)
    for path, _ in members(message):
        if isinstance(path[-1], str) and "products" not in path:  # a listing has its own rules
            without = says(exchange, changed(message, path, leave_out))
            for blank in (None, ""):
                assert says(exchange, changed(message, path, put(blank))) == without, path


@each_sample
def test_new_members_and_longer_levels_change_nothing(venue: str, sample: str) -> None:
    """Venues add fields, and have sent levels of three."""
    exchange, message = registry.get(venue), parsed(venue, sample)
    usual = says(exchange, spelled(message))
    for path, value in members(message):
        if isinstance(value, dict) and path[-1] != "subscriptions":
            more = spelled({**_as_dict(message, path), "unheard_of": ["of", {"old": None}]})
            assert says(exchange, _with(message, path, more)) == usual, path
        of_level = isinstance(value, list) and isinstance(path[-1], int)
        if of_level and value and not isinstance(value[0], dict | list):
            longer = spelled([*value, [], "0"])
            assert says(exchange, _with(message, path, longer)) == usual, path


def _as_dict(message: Any, path: Path) -> Any:  # noqa: ANN401 - any JSON
    for key in path:
        message = message[key]
    return message


def _with(message: object, path: Path, text: bytes) -> bytes:
    marked = changed(message, path, put("@here@"))
    return marked.replace(b'"@here@"', text)


@each_sample
def test_numbers_may_be_texts_and_texts_numbers(venue: str, sample: str) -> None:
    """Each venue has its habits, which may change; a text that is digits by chance stays one."""
    exchange, message = registry.get(venue), parsed(venue, sample)
    usual = says(exchange, spelled(message))
    for path, value in members(message):
        if isinstance(value, Spelled):
            assert says(exchange, changed(message, path, put(str(value)))) == usual, path


@each_sample
def test_levels_may_be_numbers_or_texts(venue: str, sample: str) -> None:
    """With the same digits, which a checksum may be made of."""
    exchange, message = registry.get(venue), parsed(venue, sample)
    usual = says(exchange, spelled(message))
    for path, value in members(message):
        of_level = len(path) > 1 and isinstance(path[-1], int) and isinstance(path[-2], int)
        if of_level and isinstance(value, str) and NUMBER.fullmatch(value):
            assert says(exchange, changed(message, path, put(Spelled(value)))) == usual, path


@pytest.mark.parametrize(
    ("venue", "sample"), [(venue, sample) for venue, sample in EACH if venue in TIMES]
)
def test_the_unit_of_a_time_is_told_by_its_size(venue: str, sample: str) -> None:
    """Milli-, micro- and nanoseconds give the same time; so do seconds, as far as they go."""
    exchange, message = registry.get(venue), parsed(venue, sample)
    for path, value in members(message):
        if path[-1] not in TIMES[venue] or not NUMBER.fullmatch(str(value)):
            continue
        whole = int(value) // 1000 * 1000 if len(value) == 13 else int(value) // 10**6 * 10**6
        ms = whole if len(value) == 13 else whole // 1000
        units = (ms // 1000, ms, ms * 1000, ms * 10**6)
        said = {
            str(_times(exchange, changed(message, path, put(Spelled(str(unit)))))) for unit in units
        }
        assert len(said) == 1, path


def _times(exchange: Exchange, payload: bytes) -> object:
    decoded = exchange.decode([payload], SYMBOLS)
    assert decoded.untimed == 0
    return [(rows.table, rows.columns["event_ns"].tolist()) for rows in decoded.rows]


@each_sample
def test_what_is_lost_is_told_by_table_and_instrument(venue: str, sample: str) -> None:
    """Whatever makes no sense: what is left is said, and for all else a stream is named.

    What cannot be attributed is a message of which the symbol itself makes no sense.
    """
    exchange, message = registry.get(venue), parsed(venue, sample)
    usual = exchange.decode([spelled(message)], SYMBOLS)
    streams = {
        (rows.table, instrument)
        for rows in usual.rows
        for instrument in rows.columns["instrument"].tolist()
    }
    instruments = {instrument for _, instrument in streams}
    for path, value in members(message):
        if not streams or any(symbol in str(value) for symbol in SYMBOLS):
            continue
        decoded = exchange.decode([changed(message, path, put(BAD))], SYMBOLS)
        if not decoded.bad:
            continue
        assert decoded.lost, path
        assert {each.instrument for each in decoded.lost} <= instruments, path
        rows = {
            (rows.table, instrument, row)
            for rows in decoded.rows
            for row, instrument in enumerate(rows.columns["instrument"].tolist())
        }
        tables = {each.table for each in decoded.lost}
        if isinstance(message, dict):  # and not a list of messages, some of which have no rows
            assert tables & {table for table, _ in streams}, path
            assert len(rows) < sum(len(rows.frame) for rows in usual.rows), path
        if exchange.whole_books or Table.BOOK not in tables:
            continue
        books = {each.instrument for each in decoded.lost if each.table is Table.BOOK}
        assert not any(getattr(event, "instrument", None) in books for _, event in decoded.events)


def test_a_loss_says_of_which_trade_it_is() -> None:
    """By the id, if it is one trade, and if the id can be read: UUIDs as the number they become."""
    for venue, sample, price in (
        ("binance", "trade", "p"), ("okx", "trades-all", "px"), ("bybit", "trades", "p"),
        ("bybit_linear", "trades", "p"), ("coinbase", "match", "price"),
        ("coinbase_advanced", "market_trades", "price"), ("kraken", "trade", "price"),
        ("upbit", "trade", "trade_price"), ("upbit", "trade_simple", "tp"),
    ):  # fmt: skip
        exchange, message = registry.get(venue), parsed(venue, sample)
        (path, *_) = [path for path, _ in members(message) if path[-1] == price]
        rows = exchange.decode([spelled(message)], SYMBOLS).rows[0].columns
        decoded = exchange.decode([changed(message, path, put("much"))], SYMBOLS)
        left = {n for part in decoded.rows for n in part.columns["seq"].tolist()}
        (gone,) = {*rows["seq"].tolist()} - left
        (instrument,) = {
            each
            for each, seq in zip(rows["instrument"].tolist(), rows["seq"].tolist(), strict=True)
            if seq == gone
        }
        assert decoded.lost == (Lost(0, instrument, Table.TRADES, gone),), venue
