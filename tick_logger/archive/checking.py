"""Whether what a certificate says is still so: every figure is found again in the files.

Rows that came since it was made are left out of the comparison: main files never grow after the
seal, and those in `late/` only at their end.  Holes that were told of, or healed, since are no
fault of the certificate; a newer one is due then.  Of a day that was released there is nothing to
compare, and what the day beside it says of its ends cannot be found again.

Not here: reading certificates (`certificate`), and the archive's own objects.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

import attrs

from tick_logger.archive.certificate import Certificate, stream_said
from tick_logger.archive.facts import Lengths, stream_facts
from tick_logger.archive.gap_hashes import GapHashes, gap_hashes
from tick_logger.model.tables import SPECS, Table
from tick_logger.reader.source import Source, Symbol
from tick_logger.storage.files import Files

_BY_OTHERS = frozenset({"condition", "proof", "basis", "holes", "times", "ids"})
"""What may change by holes that are healed or told of later, and by later rows of other days."""


@attrs.frozen
class Differences:
    """What is otherwise than a certificate says: faults, and what came since."""

    faults: tuple[str, ...]
    since: tuple[str, ...]


def differences(
    source: Source,
    files: Files,
    exchange: str,
    day: int,
    certificate: Certificate,
    released: Collection[int] = (),
) -> Differences:
    """Compare a day with its certificate, stream by stream.

    `released` are the days of the exchange whose main files may be gone.
    """
    said = certificate.predicate
    faults: list[str] = []
    since: list[str] = []
    for stream in said.get("streams", ()):
        symbol = Symbol(exchange, str(stream.get("symbol")))
        table = stream.get("table")
        if table not in SPECS:
            faults.append(f"{symbol} {table}: the table is not known here")
            continue
        if day in released and _is_gone(source, symbol, Table(table), day, stream):
            since.append(f"{symbol} {table}: released; the archive has it")
            continue
        for is_fault, text in _of_stream(
            source, files, symbol, Table(table), day, stream, released
        ):
            (faults if is_fault else since).append(f"{symbol} {table}: {text}")
    for each in said.get("gaps", ()):
        faults += _of_gaps(files, exchange, day, GapHashes(**each))
    known = {(each.get("symbol"), each.get("table")) for each in said.get("streams", ())}
    since += _not_named(source, exchange, day, known)
    return Differences(tuple(faults), tuple(since))


def _is_gone(
    source: Source, symbol: Symbol, table: Table, day: int, said: Mapping[str, Any]
) -> bool:
    """Whether there are no main rows any more."""
    return bool(said["rows"]["in_order"]) and not source.look(symbol, table, day).main.rows


def _of_stream(
    source: Source,
    files: Files,
    symbol: Symbol,
    table: Table,
    day: int,
    said: Mapping[str, Any],
    released: Collection[int],
) -> Iterator[tuple[bool, str]]:
    """Each difference of one stream, and whether it is a fault."""
    rows = said["rows"]
    as_of = Lengths(rows["in_order"], rows["late"] + rows["back_filled"] + rows["aside"])
    holes = source.holes(symbol)
    found = stream_said(stream_facts(source, files, symbol, table, day, holes, as_of))
    changed = {name for name in said if found.get(name) != said[name]}
    explained = set()
    if found["holes"] != said["holes"]:
        explained = set(_BY_OTHERS - {"ids"})
        count = f"{len(said['holes'])} then, {len(found['holes'])} now"
        yield False, f"its holes are others since the certificate was made ({count})"
    if _has_neighbour_since(said["ids"], found["ids"]):
        explained |= _BY_OTHERS - {"holes"}
        yield False, "trades of the days beside it came since the certificate was made"
    if min(released, default=day) < day and _is_apart(said["ids"], found["ids"]):
        explained |= _BY_OTHERS - {"holes"}
    for name in sorted(changed - explained):
        yield True, _in_words(name, said[name], found.get(name))
    now = source.look(symbol, table, day)
    came = (now.main.rows - as_of.main, now.late.rows - as_of.late)
    if came[0] > 0:
        yield True, f"{came[0]:,} rows came into its main files after the seal"
    if came[1] > 0:
        yield False, f"{came[1]:,} rows came late since the certificate was made"


def _has_neighbour_since(said: Mapping[str, Any] | None, found: Mapping[str, Any] | None) -> bool:
    """Whether nothing but a neighbour is new that there was none of."""
    if said is None or found is None or said["ranges"] != found["ranges"]:
        return False
    before, now = said["neighbours"], found["neighbours"]
    changed = [side for side in before if before[side] != now[side]]
    return bool(changed) and all(before[side] is None for side in changed)


def _is_apart(said: Mapping[str, Any] | None, found: Mapping[str, Any] | None) -> bool:
    """Whether ids are the same but for what was before the day."""
    if said is None or found is None:
        return said is found
    names = set(said) - {"neighbours"}
    return all(said[name] == found.get(name) for name in names) and (
        said["neighbours"]["after"] == found["neighbours"]["after"]
    )


def _of_gaps(files: Files, exchange: str, day: int, said: GapHashes) -> Iterator[str]:
    found = gap_hashes(files, exchange, said.symbol, day, said)
    if found != said:
        yield f"{exchange}:{said.symbol}: its gaps files are not those that were certified"


def _not_named(
    source: Source, exchange: str, day: int, known: set[tuple[Any, Any]]
) -> Iterator[str]:
    """Streams that have rows of the day now, and of which the certificate knows nothing."""
    for symbol in source.symbols(exchange):
        for table in Table:
            if (symbol, table.value) in known:
                continue
            rows = source.look(Symbol(exchange, symbol), table, day)
            count = rows.main.rows + rows.late.rows
            if count:
                yield f"{exchange}:{symbol} {table}: {count:,} rows came since"


def _in_words(name: str, said: object, found: object) -> str:
    if isinstance(said, Mapping) and isinstance(found, Mapping):
        other = sorted(key for key in said if found.get(key) != said[key])
        parts = (f"{name}.{key} is {found.get(key)}, certified {said[key]}" for key in other[:3])
        return "; ".join(parts)
    return f"{name} is {found}, certified {said}"
