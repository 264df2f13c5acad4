"""What an exchange listed on one day, as a file beside its data: names, and what may be proved.

One JSON object with a line for each symbol, sorted, in the file of the UTC day on which the listing
was received.  What was listed earlier that day and is no longer stays in it, not active, because
there may be data of it.  For a day without a file the last one before it holds.

    {"format": 1, "exchange": "...", "read_ns": ..., "proofs": {"TRADES": "proven", ...},
    "symbols": {
    "XBT/USD": {"name": "BTC-USD", "base": "BTC", "quote": "USD", "quote_type": "fiat",
     "asset_class": "crypto", "kind": "spot", "tick_size": "0.1", "lot_size": "0.00000001",
     "active": true, "min_size": "0.00005", "min_notional": "0.5"}}}

(here broken into lines where the file is not; earlier versions lack the last two facts).  Pure: no
file access.
"""

from __future__ import annotations

from collections.abc import Mapping

import attrs
import msgspec

from tick_logger.model.proof import Proof
from tick_logger.model.symbol_rules import AssetClass, QuoteType
from tick_logger.model.symbols import MappedInstrument
from tick_logger.model.tables import Table

FORMAT = 1


class UnreadableError(Exception):
    """A file is no instruments file, or one of a newer version; the message says which."""


@attrs.frozen(kw_only=True)
class SavedInstruments:
    """The content of one file.

    `read_ns` (since 1970-01-01 UTC) is when the newest listing in it was received; `proofs` says
    for each table how far its completeness can be shown.
    """

    exchange: str
    read_ns: int
    proofs: Mapping[Table, Proof]
    instruments: tuple[MappedInstrument, ...]


class _Symbol(msgspec.Struct):
    """The facts of one symbol, in their order on disk."""

    name: str
    base: str
    quote: str
    quote_type: QuoteType
    asset_class: AssetClass
    kind: str
    tick_size: str
    lot_size: str
    active: bool
    min_size: str = ""
    min_notional: str = ""


class _File(msgspec.Struct):
    format: int
    exchange: str
    read_ns: int
    proofs: dict[Table, str]
    symbols: dict[str, _Symbol]


class _Format(msgspec.Struct):
    format: int


_FACTS = _Symbol.__struct_fields__
_PROOFS = {proof.word: proof for proof in Proof}
_decode = msgspec.json.Decoder(_File).decode
_decode_format = msgspec.json.Decoder(_Format).decode


def encode(saved: SavedInstruments) -> bytes:
    """The bytes of a file; equal contents give equal bytes, whatever order they came in."""
    head = {
        "format": FORMAT,
        "exchange": saved.exchange,
        "read_ns": saved.read_ns,
        "proofs": {str(table): saved.proofs[table].word for table in sorted(saved.proofs)},
    }
    lines = [
        msgspec.json.encode(each.symbol)
        + b": "
        + msgspec.json.encode({fact: getattr(each, fact) for fact in _FACTS})
        for each in sorted(saved.instruments, key=lambda each: each.symbol)
    ]
    opened = msgspec.json.encode(head)[:-1]
    return opened + b',\n"symbols": {\n' + b",\n".join(lines) + b"}}\n"


def decode(data: bytes) -> SavedInstruments:
    """The content of a file; raises `UnreadableError`."""
    try:
        version = _decode_format(data).format
        if version != FORMAT:
            raise UnreadableError(f"format {version} is not {FORMAT}: of another version")
        file = _decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise UnreadableError(f"no instruments file: {error}") from error
    unknown = sorted(set(file.proofs.values()) - set(_PROOFS))
    if unknown:
        raise UnreadableError(f"unknown proofs: {', '.join(unknown)}")
    return SavedInstruments(
        exchange=file.exchange,
        read_ns=file.read_ns,
        proofs={table: _PROOFS[word] for table, word in file.proofs.items()},
        instruments=tuple(
            MappedInstrument(
                exchange=file.exchange,
                symbol=symbol,
                **{fact: getattr(facts, fact) for fact in _FACTS},
            )
            for symbol, facts in file.symbols.items()
        ),
    )


def succeeding(before: SavedInstruments, now: SavedInstruments) -> SavedInstruments:
    """What the day's file is to hold: what is listed now, and what was earlier, not active."""
    listed = {each.symbol for each in now.instruments}
    gone = [
        attrs.evolve(each, active=False) for each in before.instruments if each.symbol not in listed
    ]
    return attrs.evolve(now, instruments=(*now.instruments, *gone))


def says_the_same(a: SavedInstruments, b: SavedInstruments) -> bool:
    """Whether two contents differ in nothing but when they were read."""
    return encode(attrs.evolve(a, read_ns=0)) == encode(attrs.evolve(b, read_ns=0))
