"""Takes payloads apart that are not understood as they are, for what is good in them.

    bad payload -> without its blanks -> with fewer elements in its lists -> the most that is good
                                                                        `-> what of it is lost

An adapter reads a payload as a whole, or rejects it.  Here a rejected one is read again, by the
same adapter: first without the members that are null or empty, then with ever fewer elements in
the lists that its `Form` names, until all that is left out is what cannot be understood.  So one
bad trade, or one bad level of a book, costs itself only.  What is lost is told by table and
instrument, as far as anything tells (`naming`).

All bad payloads of a call are searched together: a round reads one attempt for each of them at
once, and there are a handful of rounds.  A call without a bad payload costs nothing.

Invariant: a payload that is understood in part says only what the adapter reads in a payload
without the rest, and what it says of a book from which something is lost is left out.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Generator, Mapping, Sequence
from functools import cache
from itertools import chain
from operator import attrgetter, itemgetter
from typing import Any, TypeAlias, TypeVar

import attrs
import numpy as np

from tick_logger.exchanges.base import (
    BookLink,
    BookSnapshot,
    BookTexts,
    Counted,
    Decoded,
    DecodedRows,
    Event,
    Lost,
)
from tick_logger.exchanges.columns import merged
from tick_logger.exchanges.hot import HotShapes
from tick_logger.exchanges.messages import (
    UNDECODABLE,
    elements_of,
    list_of,
    members_of,
    object_of,
    without_blanks,
)
from tick_logger.exchanges.naming import Naming, Said, places, tables_of
from tick_logger.exchanges.nesting import is_too_deep
from tick_logger.model.rows import picked
from tick_logger.model.tables import Table

MOST_ATTEMPTS = 20_000
"""Payloads, or parts of them, that are read again in one call, which takes less than a second.
What is not settled by then is lost as a whole."""

PIECES = 64
"""A list that is not understood is cut into so many pieces: two rounds settle a whole book."""

R = TypeVar("R")
Read: TypeAlias = Callable[[Sequence[bytes]], Decoded]
"""An adapter's reading: everything in a payload, or nothing of it."""

Path: TypeAlias = tuple[str, ...]
"""Where a list stands in a message: names of members, and `*` for each element of a list."""

Search: TypeAlias = Generator[list[bytes], list[bool], R]
"""Yields payloads to be read, is sent which of them are understood, and returns what it found."""

Wrap: TypeAlias = Callable[[bytes], bytes]
"""Puts another value into a message, in the place of the one that is looked at."""


@attrs.frozen
class _Part:
    """Something that is lost: its text, and those of the elements around it, the nearest first."""

    texts: tuple[bytes, ...]


@attrs.frozen
class _Found:
    """The most of a payload that is understood, if anything is, and what is not."""

    good: bytes | None
    lost: tuple[_Part, ...]


class Form:
    """How the payloads of a venue are built: where elements stand that mean something alone.

    `lists` are paths such as `data.*` or `data.*.bids.*`, by table.  What its adapter makes of some
    elements of these must be right whatever becomes of the others.
    """

    def __init__(self, naming: Naming, lists: Mapping[Table, Collection[str]]) -> None:
        self.naming = naming
        self._paths = {table: [*map(_path, paths)] for table, paths in lists.items()}

    def paths(self, said: Said) -> list[Path]:
        """Those in a payload, by what it says it is about."""
        tables = sorted(tables_of([said]))
        return list(dict.fromkeys(chain.from_iterable(self._paths.get(t, ()) for t in tables)))


def understood(
    read: Read, payloads: Sequence[bytes], symbols: Mapping[str, int], form: Form, hot: HotShapes
) -> Decoded:
    """What the payloads say, those included that are understood in part."""
    decoded = hot.read(read, payloads, symbols)
    if not decoded.bad:
        return decoded
    bad = [each.frame for each in decoded.bad]
    said = cache(form.naming.said)  # of a payload with thousands of bad levels: once
    searches = [_search(payloads[frame], form, said) for frame in bad]
    found = dict(
        zip(bad, _searched(read, [payloads[frame] for frame in bad], searches), strict=True)
    )
    frames = [frame for frame in bad if found[frame].good is not None]
    again = read([found[frame].good or b"" for frame in frames])
    lost = [
        each
        for frame, of in found.items()
        for each in _lost(frame, of, payloads[frame], symbols, form.naming, said)
    ]
    return _together(decoded, again.moved(frames), found, lost)


# -- searching -------------------------------------------------------------------------------------


def _searched(
    read: Read, payloads: Sequence[bytes], searches: Sequence[Search[_Found | None]]
) -> list[_Found]:
    """The most that is understood of each of these payloads, which are not as a whole."""
    found = [_Found(None, (_Part((payload,)),)) for payload in payloads]
    verdicts: dict[int, list[bool] | None] = dict.fromkeys(range(len(searches)))
    left = MOST_ATTEMPTS
    while verdicts:
        asked: dict[int, list[bytes]] = {}
        for number, verdict in verdicts.items():
            if not left:
                break  # to put attempts together costs more than to read them
            try:
                texts = _advanced(searches[number], verdict)
            except StopIteration as end:
                if end.value is not None:
                    found[number] = end.value
                continue
            if len(texts) > left:
                left = 0
                break
            left -= len(texts)
            asked[number] = texts
        tried = list(chain.from_iterable(asked.values()))
        bad = {each.frame for each in read(tried).bad} if tried else set()
        good = iter([number not in bad for number in range(len(tried))])
        verdicts = {number: [next(good) for _ in asked[number]] for number in asked}
    return found


def _search(payload: bytes, form: Form, said: Callable[[bytes], Said]) -> Search[_Found | None]:
    """Of one payload; None if nothing of it is understood."""
    if is_too_deep(payload):
        return None
    try:
        text = without_blanks(payload)
    except UNDECODABLE:
        return None
    if text != payload:
        (good,) = yield [text]
        if good:
            return _Found(text, ())
    kept, lost = yield from _most_of(text, form.paths(said(payload)), bytes)
    if kept is None:
        return None
    (good,) = yield [kept]
    return _Found(kept, tuple(lost)) if good else None


def _most_of(
    text: bytes, paths: Collection[Path], wrap: Wrap
) -> Search[tuple[bytes | None, list[_Part]]]:
    """The most of a value that is not understood, with fewer elements in the lists at `paths`."""
    if any(path[0] == "*" for path in paths):
        try:
            elements = elements_of(text)
        except UNDECODABLE:
            return None, []
        inner = [path[1:] for path in paths if path[0] == "*" and path[1:]]
        kept, lost = yield from _most_of_list(elements, inner, wrap)
        return list_of(kept), lost
    try:
        members = members_of(text)
    except UNDECODABLE:
        return None, []
    names = [name for name in dict.fromkeys(path[0] for path in paths) if name in members]
    inner_of = {name: [path[1:] for path in paths if path[0] == name] for name in names}
    empty = members | {name: _emptied(members[name], inner_of[name]) for name in names}
    if not names:
        return None, []
    (good,) = yield [wrap(object_of(empty))]
    if not good:
        return None, []  # the fault lies elsewhere

    def within(name: str) -> Wrap:
        return lambda value: wrap(object_of(empty | {name: value}))

    each = [_judged(members[name], inner_of[name], within(name)) for name in names]
    parts = yield from _all_of(each)
    lost = list(chain.from_iterable(lost for _, lost in parts))
    changed = {name: kept for name, (kept, _) in zip(names, parts, strict=True) if kept is not None}
    return (object_of(members | changed), lost) if len(changed) == len(names) else (None, [])


def _judged(
    text: bytes, paths: Collection[Path], wrap: Wrap
) -> Search[tuple[bytes | None, list[_Part]]]:
    """The most of a value that may be good."""
    (good,) = yield [wrap(text)]
    if good:
        return text, []
    return (yield from _most_of(text, paths, wrap))


def _most_of_list(
    elements: Sequence[bytes], paths: Collection[Path], wrap: Wrap
) -> Search[tuple[list[bytes], list[_Part]]]:
    """The elements of a list that are good, as far as they are."""
    (good,) = yield [wrap(list_of(elements))]
    if good or not elements:
        return list(elements), []
    if len(elements) == 1:
        (element,) = elements
        if not paths:
            return [], [_Part((element,))]
        kept, lost = yield from _most_of(element, paths, lambda value: wrap(list_of([value])))
        if kept is None:
            return [], [_Part((element,))]
        return [kept], [_Part((*part.texts, element)) for part in lost]
    size = -(-len(elements) // PIECES)
    pieces = [elements[start : start + size] for start in range(0, len(elements), size)]
    parts = yield from _all_of([_most_of_list(piece, paths, wrap) for piece in pieces])
    kept_of, lost_of = (list(chain.from_iterable(each)) for each in zip(*parts, strict=True))
    return kept_of, lost_of


def _all_of(searches: Sequence[Search[R]]) -> Search[list[R]]:
    """What all of these searches find, made side by side."""
    found: dict[int, R] = {}
    verdicts: dict[int, list[bool] | None] = dict.fromkeys(range(len(searches)))
    while verdicts:
        asked: dict[int, list[bytes]] = {}
        for number, verdict in verdicts.items():
            try:
                asked[number] = _advanced(searches[number], verdict)
            except StopIteration as end:
                found[number] = end.value
        if not asked:
            break
        good = iter((yield list(chain.from_iterable(asked.values()))))
        verdicts = {number: [next(good) for _ in asked[number]] for number in asked}
    return [found[number] for number in range(len(searches))]


def _advanced(search: Search[Any], verdict: list[bool] | None) -> list[bytes]:
    """What a search asks next; raises `StopIteration` at its end."""
    return next(search) if verdict is None else search.send(verdict)


def _emptied(text: bytes, paths: Collection[Path]) -> bytes:
    """A value without the elements of its lists."""
    if any(path[0] == "*" for path in paths):
        return b"[]"
    try:
        members = members_of(text)
    except UNDECODABLE:
        return text
    names = {path[0] for path in paths} & members.keys()
    inner = {n: _emptied(members[n], [p[1:] for p in paths if p[0] == n]) for n in names}
    return object_of(members | inner)


def _path(text: str) -> Path:
    return tuple(text.split("."))


# -- putting together ------------------------------------------------------------------------------


def _lost(
    frame: int,
    found: _Found,
    payload: bytes,
    symbols: Mapping[str, int],
    naming: Naming,
    said: Callable[[bytes], Said],
) -> list[Lost]:
    """Which streams lack rows because of what is lost of a payload, each row once."""
    lost: dict[Lost, None] = {}
    listed = payload.lstrip().startswith(b"[")  # then each element is a message of its own
    for part in found.lost:
        texts = part.texts if listed else (*part.texts, payload)
        for instrument, table in sorted(places([said(text) for text in texts], symbols)):
            trade_id = naming.id_in(texts[0]) if table is Table.TRADES else None
            lost[Lost(frame, instrument, table, trade_id)] = None
    return list(lost)


def _together(
    first: Decoded, again: Decoded, found: Mapping[int, _Found], lost: Sequence[Lost]
) -> Decoded:
    """The payloads that were good at once, and what was found in the others."""
    places_of = {(each.frame, each.table, each.instrument) for each in lost}
    rows = [_sound(part, places_of) for part in again.rows]
    of_table: dict[Table, list[DecodedRows]] = {}
    for part in (*first.rows, *rows):
        of_table.setdefault(part.table, []).append(part)
    merged_rows = (merged(table, parts) for table, parts in of_table.items())
    with_rows = set(chain.from_iterable(part.frame.tolist() for part in rows))
    whole = {frame for frame, of in found.items() if of.good is not None and not of.lost}
    events = [*first.events, *(each for each in again.events if _is_sound(*each, places_of))]
    bad = (
        attrs.evolve(each, in_part=each.frame in with_rows)
        for each in first.bad
        if each.frame not in whole
    )
    return Decoded(
        rows=tuple(part for part in merged_rows if len(part.frame)),
        events=tuple(
            sorted(
                (each for each in events if each[0] not in found or each[0] in with_rows | whole),
                key=itemgetter(0),
            )
        ),
        bad=tuple(bad),
        counted=_all_counted(first.counted, again.counted),
        lost=tuple(lost),
        unknown=tuple(sorted((*first.unknown, *again.unknown), key=attrgetter("frame"))),
        untimed=first.untimed + again.untimed,
    )


def _sound(rows: DecodedRows, lost: Collection[tuple[int, Table, int]]) -> DecodedRows:
    """Rows without those that a loss makes wrong.

    Half of the best prices are none; and a side from which levels are lost is not empty.
    """
    if rows.table not in (Table.QUOTES, Table.BOOK) or not lost:
        return rows
    places = zip(rows.frame.tolist(), rows.columns["instrument"].tolist(), strict=True)
    keep = np.array([(frame, rows.table, index) not in lost for frame, index in places], np.bool_)
    if rows.table is Table.BOOK:
        keep |= ~np.isnan(rows.columns["price"].astype(np.float64))
    return DecodedRows(rows.table, picked(rows.columns, keep), rows.frame[keep])


def _is_sound(frame: int, event: Event, lost: Collection[tuple[int, Table, int]]) -> bool:
    """Whether an event may be believed: it is not of a book of which a part is lost."""
    if not isinstance(event, BookLink | BookSnapshot | BookTexts):
        return True
    return (frame, Table.BOOK, event.instrument) not in lost


def _all_counted(first: Counted | None, again: Counted | None) -> Counted | None:
    """Every message once."""
    if first is None or again is None:
        return first or again
    new = ~np.isin(again.frame, first.frame)
    frame = np.concatenate([first.frame, again.frame[new]])
    order = np.argsort(frame, kind="stable")
    return Counted(frame[order], np.concatenate([first.number, again.number[new]])[order])
