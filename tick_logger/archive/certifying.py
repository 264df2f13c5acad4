"""Makes certificates: looks at a day symbol by symbol, and writes what was found, durably.

Beside a recorder the files in `late/` grow.  So of each stream is said what there was at one
moment, and nothing is written before what was looked at is safe: a power cut must not take rows
that were certified.

Invariant: a certificate is written only if it says something else than the newest one of its day.

Not here: which day is due (`due`), what a certificate looks like (`certificate`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import attrs

from tick_logger.archive.candle_checks import candle_check
from tick_logger.archive.carried import (
    PACKED_ROWS,
    checks_beside,
    earlier_rows,
    gone_since,
    objects_to_name,
)
from tick_logger.archive.certificate import (
    Certificate,
    Circumstances,
    Gone,
    issue,
    newest,
    statement,
)
from tick_logger.archive.due import NS_PER_HOUR
from tick_logger.archive.facts import Lengths, StreamFacts, stream_facts
from tick_logger.archive.gap_hashes import GapHashes, gap_hashes
from tick_logger.archive.named import NOTHING, Named
from tick_logger.archive.signing import EnvelopeError, Key
from tick_logger.model.tables import Table
from tick_logger.model.times import NS_PER_DAY
from tick_logger.offload import Offload
from tick_logger.reader.source import Source, Symbol
from tick_logger.storage.candle_files import CandleIndex, index
from tick_logger.storage.files import Files
from tick_logger.storage.layout import (
    CandlesPath,
    CertificatePath,
    GapsPath,
    candles_path,
    gaps_path,
    parse,
)
from tick_logger.storage.names import folder_of

_OF_EACH = frozenset({"made_at_ns", "supersedes", "previous_day", "sources"})
"""What differs between two certificates that say the same."""


@attrs.frozen(kw_only=True)
class Place:
    """Where days are certified, and by whom.

    `files` are those of the recorded directory, and are used by nobody else; `source` gives its
    rows.  Without a key nothing is signed.
    """

    files: Files
    source: Callable[[], Source]
    collector: str
    version: str
    key: Key | None = None


@attrs.frozen(kw_only=True)
class Told:
    """What others know of a day: `pending` are reasons for which it may still become better.

    `named` are the archive's objects; `sources` is whatever else it was made from.
    """

    pending: Sequence[str] = ()
    named: Named = NOTHING
    sources: Mapping[str, Any] = attrs.field(factory=dict)


@attrs.frozen
class Looked:
    """What there is of one symbol on one day."""

    streams: tuple[StreamFacts, ...]
    gaps: tuple[GapHashes, ...]
    checks: tuple[Mapping[str, Any], ...] = ()


@attrs.frozen
class Surveyed:
    """What there is of an exchange's day, and what others know of it; `candle_bytes` is the size of
    the file of candles that was looked at."""

    exchange: str
    day: int
    looked: tuple[Looked, ...]
    told: Told
    candle_bytes: int = 0


CANDLE_BYTES = "candle_bytes"
"""Among the sources: how long the file of candles was that was looked at."""

NEIGHBOUR_HOURS = 24
"""After the end of a day so long is waited for the first trade of a later day; a symbol that has
none by then is hardly traded any more, and its day is no worse for that."""


def _candles_path(exchange: str, day: int) -> str:
    return candles_path(CandlesPath(exchange, day))


def days_there(source: Source, exchange: str) -> set[int]:
    """The days of which there may be rows of any symbol; raises `OSError`."""
    symbols = (Symbol(exchange, name) for name in source.symbols(exchange))
    return {day for each in symbols for table in Table for day in source.days(each, table)}


def certified_days(files: Files, exchange: str) -> set[int]:
    """The days that have a certificate; raises `OSError`."""
    folder = folder_of(exchange)
    found = (parse(f"{folder}/{name}") for name in files.list(folder))
    return {each.day for each in found if isinstance(each, CertificatePath)}


def look(
    place: Place,
    symbol: Symbol,
    day: int,
    candles: CandleIndex | None = None,
    day_before: Certificate | None = None,
) -> Looked:
    """What there is of a symbol at this moment, and beside it its candles; raises `OSError`.

    `day_before` is the certificate of the nearest earlier day, whose files may be gone.
    """
    earlier = earlier_rows(day_before, symbol.symbol)
    source = place.source().glance()
    gaps = gap_hashes(place.files, symbol.exchange, symbol.symbol, day)
    holes, streams, checks = source.holes(symbol), [], []
    for table in Table:
        rows = source.look(symbol, table, day)
        as_of = Lengths(rows.main.rows, rows.late.rows)
        before = earlier.get(table.value)
        found = stream_facts(source, place.files, symbol, table, day, holes, as_of, before)
        if found.rows or found.holes:
            streams.append(found)
            if table is Table.TRADES and candles is not None:
                answers = candles.read(place.files, symbol.symbol)
                checks.append(candle_check(found, rows, answers, day))
    whole = (gaps,) if gaps.size or gaps.late_size else ()
    return Looked(tuple(streams), whole, tuple(each for each in checks if each is not None))


def write(place: Place, found: Surveyed, now_ns: int) -> Certificate | None:
    """Write the next certificate of a day; None if it would say what the newest one says.

    Raises `OSError`, and there is none then: it is whole or not there.  An older one that cannot be
    read is passed over here; `verify` tells of it.
    """
    exchange, day, looked, told = found.exchange, found.day, found.looked, found.told
    before = readable(place.files, exchange, day)
    facts = [each for of in looked for each in of.streams]
    gone = gone_since(before, facts, exchange, day)
    known = {each.of for each in gone}
    facts = [each for each in facts if (each.symbol, each.table.value) not in known]
    objects = objects_to_name(told.named, before)
    seen = Circumstances(
        made_at_ns=now_ns,
        collector=place.collector,
        version=place.version,
        gaps=[each for of in looked for each in of.gaps],
        checks=checks_beside([each for of in looked for each in of.checks], before, known),
        sources={**told.sources, CANDLE_BYTES: found.candle_bytes}
        | ({PACKED_ROWS: objects.rows} if objects.hashes else {}),
        pending=[*told.pending, *_waits_for_neighbours(facts, gone, day, now_ns)],
        objects=objects.hashes,
        gone=gone,
    )
    day_before = previous(place.files, exchange, day)
    said = statement(exchange, day, facts, seen, before, day_before)
    if before is not None and _says_the_same(before.statement, said):
        return None
    return issue(place.files, exchange, day, said, place.key)


def has_changed(
    place: Place, exchange: str, day: int, newest: Certificate, told: Told, *, now_ns: int
) -> bool:
    """Whether a new certificate may say something else; nothing is hashed for that.

    It may if rows or records came since, if a reason to wait is gone, or if others know more.
    Raises `OSError`.
    """
    said, source, objects = newest.predicate, place.source().glance(), newest.objects
    waits = [each for each in said["pending"] if each not in told.pending]
    over = now_ns >= (day + 1) * NS_PER_DAY + NEIGHBOUR_HOURS * NS_PER_HOUR
    if (
        any(each not in said["pending"] for each in told.pending)
        or (waits and (over or any(not _is_of_neighbours(each) for each in waits)))
        or said["sources"].get(CANDLE_BYTES, 0) != place.files.size(_candles_path(exchange, day))
        or objects_to_name(told.named, newest).hashes != objects
    ):
        return True
    streams = {(each["symbol"], each["table"]): each for each in said["streams"]}
    gaps = {each["symbol"]: (each["size"], each["late_size"]) for each in said["gaps"]}
    return any(
        _has_more(place, source, Symbol(exchange, name), day, streams, gaps)
        for name in source.symbols(exchange)
    )


def _has_more(
    place: Place,
    source: Source,
    symbol: Symbol,
    day: int,
    streams: Mapping[tuple[str, str], Mapping[str, Any]],
    gaps: Mapping[str, tuple[int, int]],
) -> bool:
    """Whether there are rows, records or neighbours of one symbol that nothing was said of."""
    paths = (
        gaps_path(GapsPath(symbol.exchange, symbol.symbol, day, late)) for late in (False, True)
    )
    if tuple(map(place.files.size, paths)) != gaps.get(symbol.symbol, (0, 0)):
        return True
    for table in Table:
        rows, said = source.look(symbol, table, day), streams.get((symbol.symbol, table.value))
        if said is None:
            if rows.main.rows or rows.late.rows:
                return True
            continue
        counts = said["rows"]
        late = counts["late"] + counts["back_filled"] + counts["aside"]
        if rows.main.rows < counts["in_order"]:
            continue  # it was let go of: there is nothing more to be said of it
        if (rows.main.rows, rows.late.rows) != (counts["in_order"], late):
            return True
        after = None if said["ids"] is None else said["ids"]["neighbours"]["after"]
        if said["ids"] is not None and after is None and source.days(symbol, table)[-1] > day:
            return True
    return False


_NEIGHBOURS = "no trade after it yet: "


def _is_of_neighbours(reason: str) -> bool:
    return reason.startswith(_NEIGHBOURS)


def _waits_for_neighbours(
    facts: Sequence[StreamFacts], gone: Sequence[Gone], day: int, now_ns: int
) -> list[str]:
    """The reason to wait for the trades after a day, if there is one."""
    if now_ns >= (day + 1) * NS_PER_DAY + NEIGHBOUR_HOURS * NS_PER_HOUR:
        return []
    ids = [each.stream for each in gone if each.stream["ids"] is not None]
    symbols = [
        x.symbol for x in facts if x.ids is not None and x.ids.ranges and x.ids.after is None
    ] + [each["symbol"] for each in ids if each["ids"]["neighbours"]["after"] is None]
    if not symbols:
        return []
    more = f" and {len(symbols) - 1:,} others" if len(symbols) > 1 else ""
    return [f"{_NEIGHBOURS}{symbols[0]}{more}"]


def previous(files: Files, exchange: str, day: int) -> Certificate | None:
    """The newest certificate of the nearest earlier day that has one; raises `OSError`."""
    earlier = max((each for each in certified_days(files, exchange) if each < day), default=None)
    return None if earlier is None else readable(files, exchange, earlier)


def readable(files: Files, exchange: str, day: int) -> Certificate | None:
    """The newest certificate, unless there is none or it is damaged; raises `OSError`."""
    try:
        return newest(files, exchange, day)
    except EnvelopeError:
        return None


async def survey(place: Place, exchange: str, day: int, told: Told, offload: Offload) -> Surveyed:
    """Look at a day that is sealed, symbol by symbol; raises `OSError`.

    `offload` runs what takes long, one symbol at a time.  What was on disk by then must be safe
    there before it is written (`recording.seals.Seals.settled`).

    Cancellation: between two symbols at once, and the day is due again.
    """
    symbols = await offload.run(lambda: list(place.source().symbols(exchange)))
    candles = await offload.run(lambda: index(place.files, exchange, day))
    before = await offload.run(lambda: previous(place.files, exchange, day))
    looked = []
    for name in symbols:
        one = partial(look, place, Symbol(exchange, name), day, candles, before)
        found = await offload.run(one)
        if found.streams or found.gaps:
            looked.append(found)
    return Surveyed(exchange, day, tuple(looked), told, candles.size)


def _says_the_same(before: Mapping[str, Any], said: Mapping[str, Any]) -> bool:
    def told(of: Mapping[str, Any]) -> object:
        predicate = {k: v for k, v in of["predicate"].items() if k not in _OF_EACH}
        return of["subject"], predicate

    return told(before) == told(said)
