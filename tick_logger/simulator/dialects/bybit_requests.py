"""Reads requests of Bybit clients, by the venue's own rules of what is valid.

A request is granted or refused as a whole, with one reason that names one topic.  The texts of
refusals are the venue's as far as others have seen them; that of too many characters is not known.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

import attrs
import msgspec

from tick_logger.simulator.dialects.bybit_texts import SPOT

DEPTHS = (50, 200, 1000)
BEST = "orderbook.1."

MOST_ARGS = 10  # documented for spot; here it holds for linear as well
MOST_CHARACTERS = 21_000  # of all topics of a connection, each with its quotes and comma
_PUNCTUATION = 3

_PREFIXES = ("tickers.", "publicTrade.", BEST, *(f"orderbook.{depth}." for depth in DEPTHS))


class Request(msgspec.Struct):
    """One request of a client."""

    op: str
    args: list[str] = msgspec.field(default_factory=list)
    req_id: str | None = None


@attrs.frozen
class Refusal:
    """Why the venue refuses a request; `breach` names the rule that a client broke, if it did."""

    reason: str
    breach: str = ""


def symbol_of(topic: str) -> str:
    """The symbol of a topic, or "" if there is no such topic."""
    for prefix in _PREFIXES:
        if topic.startswith(prefix):
            return topic.removeprefix(prefix)
    return ""


def channel_of(topic: str) -> str:
    """What comes before the symbol."""
    return topic.removesuffix(f".{symbol_of(topic)}")


def objection(
    request: Request,
    valid: Collection[str],
    subscribed: Collection[str],
    variant: int,
    refused: Collection[str] = (),
) -> Refusal | None:
    """The reason to refuse a subscription, or None; `valid` are the venue's symbols.

    `refused` are topics that are refused whatever their symbol.
    """
    if len(request.args) > MOST_ARGS:
        return Refusal("args size >10", f"{len(request.args)} args in one request")
    for number, topic in enumerate(request.args):
        if symbol_of(topic) not in valid or topic in refused:
            unknown = f"Invalid symbol :[{topic}]"
            return Refusal(unknown if variant == SPOT else f"error:handler not found,topic:{topic}")
        if topic in subscribed or topic in request.args[:number]:
            return Refusal(f"error:already subscribed,topic:{topic}")
    characters = _characters([*subscribed, *request.args])
    if characters > MOST_CHARACTERS:
        return Refusal("args length >21000", f"{characters} characters of topics")
    return None


def _characters(topics: Sequence[str]) -> int:
    return sum(len(topic) + _PUNCTUATION for topic in topics)
