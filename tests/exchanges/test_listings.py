"""Listings of all venues: an odd entry costs nothing but itself, and is told of if it matters."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

import attrs
import pytest

from tick_logger.exchanges import listing, registry
from tick_logger.exchanges.base import Exchange, Listed, Odd, VenueError

Entry = Any  # of a JSON array


@attrs.frozen
class Form:
    """How a venue writes an entry: the fields of name, state and tick, and one that trades."""

    name: str
    good: Mapping[str, Entry]
    page: Callable[[list[Entry]], object]
    state: str = ""
    tick: str = ""

    def entry(self, **changes: Entry) -> Entry:
        """One that trades, with other fields."""
        return {**self.good, **changes}


def _numbered(entries: list[Entry]) -> object:
    return {"error": [], "result": {f"P{n}": entry for n, entry in enumerate(entries)}}


FORMS = {
    "binance": Form(
        "symbol",
        {"symbol": "GOODUSDT", "status": "TRADING", "isSpotTradingAllowed": True, "filters": []},
        lambda entries: {"symbols": entries},
        "status",
        "filters",
    ),
    "okx": Form(
        "instId",
        {"instId": "GOOD-USDT", "state": "live", "instType": "SPOT", "tickSz": "0.1"},
        lambda entries: {"code": "0", "msg": "", "data": entries},
        "state",
        "tickSz",
    ),
    **dict.fromkeys(
        ("bybit", "bybit_linear"),
        Form(
            "symbol",
            {"symbol": "GOODUSDT", "status": "Trading", "priceFilter": {"tickSize": "0.1"}},
            lambda entries: {"retCode": 0, "retMsg": "OK", "result": {"list": entries}},
            "status",
            "priceFilter",
        ),
    ),
    "coinbase": Form(
        "id",
        {"id": "GOOD-USD", "status": "online", "quote_increment": "0.1"},
        lambda entries: entries,
        "status",
        "quote_increment",
    ),
    "coinbase_advanced": Form(
        "product_id",
        {"product_id": "GOOD-USD", "status": "online", "product_type": "SPOT", "alias": ""},
        lambda entries: {"products": entries},
        "status",
        "price_increment",
    ),
    "kraken": Form(
        "wsname",
        {"wsname": "GOOD/USD", "status": "online", "tick_size": "0.1"},
        _numbered,
        "status",
        "tick_size",
    ),
    "upbit": Form("market", {"market": "KRW-GOOD"}, lambda entries: entries),
}
WITH_STATES = sorted(name for name, form in FORMS.items() if form.state)


def read(name: str, *entries: Entry) -> Listed:
    """What a page of these entries says."""
    return registry.get(name).read_listing(json.dumps(FORMS[name].page([*entries])).encode())


def active(listed: Listed) -> list[str]:
    """The names of what may be traded."""
    return [each.symbol for each in listed.instruments if each.active]


def test_every_venue_is_tried() -> None:
    """A new one needs its form here."""
    assert FORMS.keys() == set(registry.available())


@pytest.mark.parametrize("name", sorted(FORMS))
@pytest.mark.parametrize("odd", [7, "soon", None, [], True, 1.5, {"a": "b"}, {}])
def test_what_is_no_entry_costs_nothing_else(name: str, odd: Entry) -> None:
    """Before the good one, and behind it; what is no object is told."""
    form = FORMS[name]
    listed = read(name, odd, form.good, odd)
    assert active(listed) == [form.good[form.name]]
    if not isinstance(odd, dict):
        assert len(listed.odd) == 2
        assert {each.name for each in listed.odd} == {""}


@pytest.mark.parametrize("name", sorted(FORMS))
@pytest.mark.parametrize("nothing", ["", " ", None])
def test_an_entry_that_trades_and_has_no_name(name: str, nothing: str | None) -> None:
    """Is told of; pairs without a name are no news at one venue, whose dark pools have none."""
    form = FORMS[name]
    listed = read(name, form.entry(**{form.name: nothing}), form.good)
    assert active(listed) == [form.good[form.name]]
    dark = name == "kraken" and nothing != " "
    assert listed.odd == (() if dark else (Odd(nothing or "", "it has no name"),))


@pytest.mark.parametrize("name", sorted(FORMS))
def test_a_name_of_another_type(name: str) -> None:
    """Is none."""
    form = FORMS[name]
    listed = read(name, form.entry(**{form.name: 17}), form.good)
    assert active(listed) == [form.good[form.name]]
    assert listed.odd == (Odd("", f"{form.name}: Expected `str`, got `int`"),)


@pytest.mark.parametrize("name", WITH_STATES)
def test_what_is_not_traded_is_no_news(name: str) -> None:
    """However little it says: a placeholder, a listing to come, one that is over."""
    form = FORMS[name]
    blank = dict.fromkeys(form.good) | {form.state: "closed long ago"}
    listed = read(name, blank, form.entry(**{form.state: "?", form.name: "LATER/X"}), form.good)
    assert active(listed) == [form.good[form.name]]
    assert listed.odd == ()


@pytest.mark.parametrize("name", WITH_STATES)
def test_what_trades_is_recorded_whatever_its_details(name: str) -> None:
    """Nulls say nothing; what is of a wrong type is told, and left out."""
    form = FORMS[name]
    null = read(name, form.entry(**{form.tick: None}))
    assert (active(null), null.odd) == ([form.good[form.name]], ())
    assert null.instruments[0].tick_size in ("", "1")  # one venue has decimals beside it
    wrong = read(name, form.entry(**{form.tick: True}), form.good)
    assert active(wrong) == [form.good[form.name]] * 2
    ((told, reason),) = ((each.name, each.reason) for each in wrong.odd)
    assert (told, reason.partition(":")[0]) == (form.good[form.name], form.tick)


@pytest.mark.parametrize("name", WITH_STATES)
def test_a_state_of_another_type(name: str) -> None:
    """Nobody knows whether it trades: it is not recorded, and told of."""
    form = FORMS[name]
    listed = read(name, form.entry(**{form.state: 3, form.name: "A/X"}), form.good)
    if name != "kraken":  # whose older listings have no state, and list what trades
        assert active(listed) == [form.good[form.name]]
    assert [each.name for each in listed.odd] == ["A/X"]


@pytest.mark.parametrize("name", sorted(FORMS))
def test_a_page_of_nothing_but_odd_entries_is_none(name: str) -> None:
    """The listing before stays; an empty page is one."""
    form = FORMS[name]
    with pytest.raises(VenueError, match="none of its 3 entries can be read"):
        read(name, 7, "soon", form.entry(**{form.name: 17}))
    assert read(name) == Listed(())


@pytest.mark.parametrize("name", sorted(FORMS))
@pytest.mark.parametrize(
    "symbol", ["\u5e01\u5b89\u4eba\u751f", "X" * 260, "1INCH", "a b", "\u00e9", "..", "%2F"]
)
def test_any_text_is_a_name(name: str, symbol: str) -> None:
    """Whether a folder may be called so is not the listing's business."""
    form, exchange = FORMS[name], registry.get(name)
    spelled = f"{symbol}/USD" if name == "kraken" else symbol
    assert active(read(name, form.entry(**{form.name: spelled}))) == [spelled]
    assert isinstance(exchange, Exchange)


def test_an_odd_entry_on_a_channel_costs_no_listing() -> None:
    """The same products come by messages, where the venue has a channel for them."""
    exchange, form = registry.get("coinbase"), FORMS["coinbase"]
    products = [form.good, {"id": None, "status": None}, 7, form.entry(id="")]
    message = json.dumps({"type": "status", "currencies": [], "products": products}).encode()
    decoded = exchange.decode([message], {})
    ((frame, listing),) = decoded.events
    assert (frame, decoded.bad) == (0, ())
    assert [each.symbol for each in listing.instruments] == ["GOOD-USD"]  # type: ignore[union-attr]
    assert len(listing.odd) == 2  # type: ignore[union-attr]
    message = json.dumps({"type": "status", "products": [7, 8]}).encode()
    decoded = exchange.decode([message], {})
    assert (decoded.events, len(decoded.bad)) == ((), 1)


@pytest.mark.parametrize("name", sorted(FORMS))
def test_a_page_has_so_many_entries_at_most(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """More would hold up everything else while they are read."""
    monkeypatch.setattr(listing, "MOST_ENTRIES", 3)
    form = FORMS[name]
    exchange = registry.get(name)

    def page(count: int) -> bytes:
        return json.dumps(form.page([form.entry() for _ in range(count)])).encode()

    assert exchange.read_listing(page(3)).instruments
    with pytest.raises(VenueError, match="it has more than 3 entries"):
        exchange.read_listing(page(4))
