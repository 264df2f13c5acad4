"""What becomes of answers by REST while a listing is odd."""

from __future__ import annotations

import json

import pytest

from tick_logger.simulator.oddities import with_odd_entries

CANDLES = {"result": {"XXBTZUSD": [[1, "2.0"]], "last": 1}}


@pytest.mark.parametrize("body", [CANDLES, {"result": {}}, {"result": [[1]]}, {"error": "no"}, []])
def test_what_is_no_listing_stays_as_it_is(body: object) -> None:
    """Though it has something in the place of the entries."""
    sent = json.dumps(body).encode()
    assert with_odd_entries(sent, ("result",), "name") == sent


@pytest.mark.parametrize("entries", [[{"name": "BTC"}], {"XBT": {"name": "BTC"}}])
def test_a_listing_keeps_its_sound_entries(entries: object) -> None:
    """Among the odd ones, in either form."""
    sent = json.dumps({"result": entries}).encode()
    found = json.loads(with_odd_entries(sent, ("result",), "name"))["result"]
    values = list(found.values()) if isinstance(found, dict) else found
    assert len(values) > 4
    assert {"name": "BTC"} in values
