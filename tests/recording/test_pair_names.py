"""What symbols are called everywhere, by what is listed now."""

from __future__ import annotations

import attrs

from tick_logger.model.instruments import Instrument
from tick_logger.model.symbol_rules import Override, SymbolRules, VenueRules
from tick_logger.recording.pair_names import PairNames

RULES = SymbolRules(
    venues={
        "red": VenueRules(
            aliases={"XBT": "BTC"}, overrides={"odd": Override(base="ODD", quote="USD")}
        )
    }
)
BTC = Instrument("XBT/USD", "XBT", "USD")


def test_names_come_with_listings() -> None:
    """By the rules of their exchange; before, and of what nobody describes, there is none."""
    names = PairNames(RULES)
    assert names.name("red", "XBT/USD") is None
    names.tell("red", [BTC, Instrument("odd"), Instrument("nothing")])
    names.tell("blue", [BTC])
    found = [names.name("red", each) for each in ("XBT/USD", "odd", "nothing", "never")]
    assert found == ["BTC-USD", "ODD-USD", None, None]
    assert names.name("blue", "XBT/USD") == "XBT-USD"


def test_a_symbol_keeps_its_name_when_it_leaves_the_listing() -> None:
    """Else its numbers would go on under other labels; a listing that says otherwise counts."""
    names = PairNames(RULES)
    names.tell("red", [BTC])
    assert names.name("red", "XBT/USD") == "BTC-USD"
    names.tell("red", [])
    assert names.name("red", "XBT/USD") == "BTC-USD"
    names.tell("red", [attrs.evolve(BTC, quote="EUR")])
    assert names.name("red", "XBT/USD") == "BTC-EUR"
