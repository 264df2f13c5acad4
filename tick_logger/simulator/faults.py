"""How a simulated exchange misbehaves: what may be asked for, and what it does to one session.

Everything is off unless asked for, and drawn from seeded generators.  Faults of a session's
delivery lose nothing but what they are told to lose: garbage is sent beside real messages, a
duplicate beside its original, a reordered message right after the one that follows it.  Messages
are lost by cuts and half-open connections, by silent subscriptions and id holes, of which the truth
says which, and by `lose_probability`, of which the hub keeps what it was.
"""

from __future__ import annotations

from random import Random
from typing import Any, Protocol

import attrs

_DEPTH = 5000  # some JSON parsers give up long before, others follow
Span = tuple[float, float]


def _probability(_: object, attribute: attrs.Attribute[float], value: float) -> None:
    if not 0.0 <= value <= 1.0:
        raise ValueError(f"{attribute.name} is a probability, not {value}")


def _span(_: object, attribute: attrs.Attribute[Any], value: Span | None) -> None:
    if value is not None and not 0.0 <= value[0] <= value[1]:
        raise ValueError(f"{attribute.name} is a range of seconds, not {value}")


@attrs.frozen(kw_only=True)
class PageFaults:
    """What goes wrong with pages of trades by REST, drawn anew for each page that is asked for.

    Candles are refused, cut off, empty, short and behind by the same numbers.
    """

    refusal_probability: float = attrs.field(default=0.0, validator=_probability)
    """How many requests are refused with `refusal_status` and `retry_after`; as with `Faults`, a
    client that comes back sooner than it was told is written down."""
    refusal_status: int = 429
    retry_after: str = "2"
    web_page_probability: float = attrs.field(default=0.0, validator=_probability)
    """How many answers are a page for humans, of status 200."""
    truncated_probability: float = attrs.field(default=0.0, validator=_probability)
    """How many answers end in the middle of a word."""
    empty_probability: float = attrs.field(default=0.0, validator=_probability)
    overlap_probability: float = attrs.field(default=0.0, validator=_probability)
    """How many pages have trades as well that lie before and after those asked for."""
    repeat_probability: float = attrs.field(default=0.0, validator=_probability)
    """How many pages are that of the request before, about the same symbol."""
    short_probability: float = attrs.field(default=0.0, validator=_probability)
    """How many pages have some of their trades only: they are cut between trades of one time."""
    of_another_probability: float = attrs.field(default=0.0, validator=_probability)
    """How many pages have the trades of another symbol."""
    lag_secs: float = 0.0
    """How far pages are behind: they lack the trades of the last so many seconds."""


@attrs.frozen(kw_only=True)
class Faults:
    """What goes wrong; ages are seconds since the connection opened or the faults were set."""

    cut_after_secs: Span | None = attrs.field(default=None, validator=_span)
    abrupt_cut_probability: float = attrs.field(default=1.0, validator=_probability)
    """How many cuts drop the TCP connection; the others send a close frame."""
    stall_after_secs: Span | None = attrs.field(default=None, validator=_span)
    stall_secs: float = 30.0
    """How long the socket stays silent; messages that are due meanwhile are sent afterwards."""
    half_open_after_secs: Span | None = attrs.field(default=None, validator=_span)
    half_open_secs: float = 600.0
    """How long neither side of a half-open connection hears of the other, until it is dropped."""
    garbage_probability: float = attrs.field(default=0.0, validator=_probability)
    duplicate_probability: float = attrs.field(default=0.0, validator=_probability)
    reorder_probability: float = attrs.field(default=0.0, validator=_probability)
    lose_probability: float = attrs.field(default=0.0, validator=_probability)
    """How many messages are kept from a session that should get them; the venue does not know."""
    id_hole_probability: float = attrs.field(default=0.0, validator=_probability)
    ack_delay_secs: float = 0.0
    """How much later than it arrived a request takes effect and is answered."""
    refused_symbols: frozenset[str] = frozenset()
    never_acked_symbols: frozenset[str] = frozenset()
    """A request that names one of these is ignored altogether."""
    silent_symbols: frozenset[str] = frozenset()
    """What is subscribed of these, before the fault or during it, is acknowledged and not delivered
    until it is subscribed again without the fault."""
    refused_feeds: frozenset[str] = frozenset()
    """Kinds of data, by the words of `Words.channels`, that are refused for every symbol."""
    busy: bool = False
    """Whether each new subscription is refused with the venue's words for a limit of requests."""
    busy_symbols: frozenset[str] = frozenset()
    """As `busy`, but only where one of these is asked for."""
    refusals_close: bool = False
    """Whether a connection on which one of these faults refused something is closed."""
    rejects_tokens: bool = False
    """Whether requests with a token are refused, where the venue takes any."""
    lost_ack_probability: float = attrs.field(default=0.0, validator=_probability)
    """How many subscriptions take effect without an acknowledgement."""
    no_snapshot_symbols: frozenset[str] = frozenset()
    """New subscribers to their books are not sent the snapshot, but what changes from then on."""
    hollow_snapshot_probability: float = attrs.field(default=0.0, validator=_probability)
    """How many snapshots of books lack a side, or both, which comes right after."""
    no_checksum_probability: float = attrs.field(default=0.0, validator=_probability)
    """How many messages of books lack their checksum, where there is one."""
    empty_book_symbols: frozenset[str] = frozenset()
    """Of these books clients see no levels of `empty_sides`."""
    empty_sides: frozenset[str] = frozenset({"asks"})
    odd_time_probability: float = attrs.field(default=0.0, validator=_probability)
    """How many orders and quotes of the market have an event time that is off."""
    odd_time_secs: float = 600.0
    """By how much it is off: ahead, or back if negative."""
    odd_price_probability: float = attrs.field(default=0.0, validator=_probability)
    """How many trades are told at ten times their price."""
    crossed_quote_probability: float = attrs.field(default=0.0, validator=_probability)
    """How many quotes have bid and ask the wrong way round."""
    quote_factor: float = 1.0
    """What prices of quotes are multiplied by: those of another time, or of another thing."""
    clock_offset_secs: float = 0.0
    """How far the exchange's own clock is ahead.  It never runs back: it stands still instead."""
    bad_trade_probability: float = attrs.field(default=0.0, validator=_probability)
    """How many messages with trades have one without a price among them."""
    unknown_kind_probability: float = attrs.field(default=0.0, validator=_probability)
    """How often a well-formed message of an unknown kind comes beside another."""
    odd_listing: bool = False
    """Whether listings have entries that make no sense, beside all others."""
    unlisted_symbols: frozenset[str] = frozenset()
    """These are missing in listings, although they trade."""
    rest_lag_secs: float = 0.0
    """How old REST answers are when they come."""
    rest_lead_secs: float = 0.0
    """How far books by REST are ahead of what is sent: changes of books come so much later, where
    venues have both.  What an answer has already comes after it."""
    rest_status: int | None = None
    """With what REST requests are refused."""
    rest_hang_secs: float = 0.0
    pages: PageFaults = PageFaults()
    """What goes wrong with pages of trades by REST alone."""
    upgrade_status: int | None = None
    """With what connections are refused."""
    retry_after: str = ""
    """The header of both refusals; a client that comes back sooner is written down, if it names
    seconds."""
    refusal_body: bytes = b'{"message":"service unavailable"}'
    close_with: tuple[int, str] = (1001, "fault")
    """Code and reason of the close frames of cuts."""

    def too_busy_for(self, *symbols: str) -> bool:
        """Whether these are not to be had because of a limit."""
        return self.busy or not self.busy_symbols.isdisjoint(symbols)


class GarbageSource(Protocol):
    """A dialect's share in garbage: payloads about one of its symbols."""

    def sample(self, rng: Random) -> bytes:
        """A correct JSON object that changes nothing when it is understood."""
        ...

    def wrong_types(self, rng: Random) -> bytes:
        """Well-formed JSON of a known message type with values of the wrong types."""
        ...

    def huge_integer(self, rng: Random) -> bytes:
        """A message of a known type, with a trade id of 26 digits."""
        ...

    def unknown_type(self, rng: Random) -> bytes:
        """Well-formed JSON of a message type that does not exist."""
        ...

    def spoilt(self, payload: bytes) -> bytes | None:
        """A message with trades of which the last has no price; None if it has none."""
        ...


TEXT, BINARY = 1, 2  # opcodes
GARBAGE_KINDS = (
    "not_json",
    "truncated",
    "wrong_types",
    "huge_integer",
    "nested",
    "invalid_utf8",
    "unknown_type",
)


def garbage(kind: str, source: GarbageSource, rng: Random) -> tuple[int, bytes]:
    """(opcode, payload) of a bad message of this kind."""
    if kind == "not_json":
        return TEXT, b"<html><body>502 Bad Gateway</body></html>"
    if kind == "invalid_utf8":
        return BINARY, source.sample(rng)[:-1] + b',"note":"\xff\xfe\xc3"}'
    if kind == "truncated":
        sample = source.sample(rng)
        return TEXT, sample[: rng.randrange(1, len(sample))]
    if kind == "nested":
        nested = b"[" * _DEPTH + b"]" * _DEPTH
        return TEXT, source.sample(rng)[:-1] + b',"extra":' + nested + b"}"
    payload: bytes = getattr(source, kind)(rng)
    return TEXT, payload


@attrs.define
class FaultCounts:
    """How often each fault happened so far, on all connections."""

    garbage: int = 0
    duplicated: int = 0
    reordered: int = 0
    lost: int = 0
    stalled: int = 0
    half_open: int = 0
    cut: int = 0
    bad_trades: int = 0
    unknown_kinds: int = 0
    slow_consumers: int = 0


@attrs.frozen
class Incident:
    """An event in the life of a connection, at this age: "cut", "close", "stall" or "freeze"."""

    after_secs: float
    kind: str


def plan(faults: Faults, rng: Random) -> list[Incident]:
    """The incidents in the life of a connection, in order."""
    incidents = []
    if faults.cut_after_secs is not None:
        abrupt = rng.random() < faults.abrupt_cut_probability
        incidents.append(
            Incident(rng.uniform(*faults.cut_after_secs), "cut" if abrupt else "close")
        )
    if faults.stall_after_secs is not None:
        incidents.append(Incident(rng.uniform(*faults.stall_after_secs), "stall"))
    if faults.half_open_after_secs is not None:
        incidents.append(Incident(rng.uniform(*faults.half_open_after_secs), "freeze"))
    return sorted(incidents, key=lambda incident: incident.after_secs)
