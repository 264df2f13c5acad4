"""What the last life had to hear: its exchanges are well, so it is subscribed to all it wants.

Whether they accept the user's key or not.
"""

from __future__ import annotations

from collections.abc import Iterator

from tests.sim.court import Court

SOON_SECS = 5.0
"""In which a process that has just begun is subscribed."""

FEWEST = 3
"""Steps of a market with trades, which do not all come in moments without a connection."""


def unheard(court: Court, name: str) -> Iterator[str]:
    """Symbols none of whose trades in the last life was sent, though it was to record them."""
    world, last = court.world, court.world.processes[-1]
    for symbol in world.exchanges[name].truth.symbols():
        place = name, symbol, "TRADES"
        since = court.wanted_since(*place, last.ended)
        if last.code != 0 or not court.wanted(*place, last.ended) or since > last.began:
            continue
        step_secs = court.venue(name).simulated["step_secs"]
        made = [
            (trade, at)
            for trade in world.exchanges[name].truth.trades(symbol)
            if last.began + SOON_SECS
            < (at := court.venue_moment(trade.made_ns))
            < last.ending_at - step_secs
        ]
        if len({int(at / step_secs) for _, at in made}) < FEWEST:
            continue
        court.counts["symbols heard to the end"] += 1
        if not any(trade.subscribed for trade, _ in made):
            yield f"none of {len(made)} trades of {symbol} were sent in the last life"
