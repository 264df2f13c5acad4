"""Where the snapshots of one book belong among its updates.

A snapshot that carries no event time takes that of an update next to it:

* one as of an update id belongs behind every update that it covers, and before all others.  It has
  a place once updates have reached its id: until then more may come that it covers, because what
  is asked by REST may be ahead of the stream;
* one without (it arrived in order, on the same connection) belongs before the next update.

Updates without a usable time take that of their predecessor, so that they keep their place.
Where a book has nothing but snapshots, so do those whose time cannot be right: no update shows what
their ids say, and these may be that same time.

Pure functions over the rows of one book.  Not here: how long a snapshot is waited for (`books`).
"""

from __future__ import annotations

from collections.abc import Iterator

import attrs
import numpy as np
import numpy.typing as npt

from tick_logger.model.rows import RowBatch
from tick_logger.model.tables import FLAG_SNAPSHOT, NO_TIME
from tick_logger.model.times import Times
from tick_logger.pipeline.broken_books import Placed

Mask = npt.NDArray[np.bool_]
Ids = npt.NDArray[np.uint64]

KEEPS_PLACE = NO_TIME + 1
"""Stands for the time of a snapshot that cannot be right.  It came in order, unlike one by REST."""


@attrs.frozen
class Past:
    """What is known of a book's rows from before: the last released, and the newest time seen."""

    event: int
    seq: int  # 0 where nothing was released
    seen_event: int
    has_updates: bool  # of which it is known that they have ids


@attrs.frozen(eq=False)
class Ordered:
    """The rows of one book, all with event times; among equal times and ids the order counts.

    `placed` are the snapshots that have their place, `stale` those (as receive times) whose place
    has left already.  `ahead` is the id of one that was placed although more may come that it
    covers, or 0.
    """

    rows: RowBatch
    placed: tuple[Placed, ...] = ()
    stale: tuple[int, ...] = ()
    ahead: int = 0


@attrs.define
class _Ordering:
    """One book's rows on the way to their order: what is found out about each."""

    rows: RowBatch
    past: Past
    event: Times
    place: npt.NDArray[np.float64]  # among rows of equal time and id
    ids: Ids  # of the updates here and in the window
    times: Times
    placed: list[Placed] = attrs.field(factory=list)
    stale: list[int] = attrs.field(factory=list)
    ahead: int = 0


def is_snapshot(rows: RowBatch) -> Mask:
    """Which rows belong to snapshots."""
    return np.asarray((rows["flags"] & FLAG_SNAPSHOT) != 0)


def ordered(rows: RowBatch, window: RowBatch, past: Past, *, last_call: bool) -> Ordered | None:
    """One book's rows in order, or None while a snapshot has no place yet.

    `window` has the book's rows that have not left.  At the `last_call` nothing is waited for.
    """
    snapshot = is_snapshot(rows)
    updates = ~snapshot & (rows["event_ns"] != NO_TIME)
    ids, times, past = _newest_ids(window.take(~is_snapshot(window)), rows.take(updates), past)
    place = np.arange(len(rows), dtype=np.float64)
    state = _Ordering(rows, past, rows["event_ns"].copy(), place, ids, times)
    if len(ids) or past.has_updates:  # the ids tell
        state.event[state.event == KEEPS_PLACE] = NO_TIME
    for start, stop in _snapshots(rows, snapshot):
        if state.event[start] == KEEPS_PLACE:
            _note_placed(state, slice(start, stop), int(rows["recv_ns"][start]))
            continue
        timed = state.event[start] != NO_TIME
        if not timed and not _find_place(state, slice(start, stop), updates, last_call=last_call):
            return None
        if timed and state.event[start] >= past.event:  # else it is late, as any other row would be
            _note_placed(state, slice(start, stop), int(rows["recv_ns"][start]))
    if last_call:
        before = np.maximum.accumulate(state.event)
        stand_in = np.maximum(np.maximum(before, past.seen_event), rows["recv_ns"])
        state.event = np.where(snapshot & (state.event == NO_TIME), stand_in, state.event)
    order = np.argsort(state.place, kind="stable")
    rows, event = rows.take(order), state.event[order]
    _keep_places(rows, event, past.seen_event)
    event = _carried_forward(event, past.seen_event, rows["recv_ns"])
    return Ordered(
        rows.replace(event_ns=event),
        tuple(state.placed),
        tuple(state.stale),
        state.ahead,
    )


def _newest_ids(window: RowBatch, rows: RowBatch, past: Past) -> tuple[Ids, Times, Past]:
    """The ids of updates and their times, in order, since ids last began again if they did."""
    ids = np.concatenate([window["seq"], rows["seq"]])
    times = np.concatenate([window["event_ns"], rows["event_ns"]])
    order = np.lexsort((ids, times))
    ids, times = ids[order], times[order]
    falls = np.flatnonzero(ids[1:] < ids[:-1])
    if len(falls):
        ids, times = ids[falls[-1] + 1 :], times[falls[-1] + 1 :]
    began_again = len(falls) or (len(ids) and times[0] > past.event and ids[0] < past.seq)
    return ids, times, attrs.evolve(past, seq=0) if began_again else past


def _find_place(state: _Ordering, part: slice, updates: Mask, *, last_call: bool) -> bool:
    """Give the rows of one snapshot their time; False if they have no place yet."""
    last_id = int(state.rows["seq"][part.start])
    recv = int(state.rows["recv_ns"][part.start])
    if not last_id:
        following = np.flatnonzero(updates[part.stop :])[:1] + part.stop
        if len(following):
            state.event[part] = state.event[following[0]]
        elif not last_call:
            return False
        _note_placed(state, part, recv)
        return True
    if state.past.seq > last_id:  # among what is still to come it would take back what has left
        state.event[part] = state.past.event
        state.stale.append(recv)
        return True
    reached = state.past.seq == last_id or bool((state.ids >= last_id).any())
    if not reached:
        if not last_call:
            return False
        state.ahead = max(state.ahead, last_id)
    _go_behind_what_is_covered(state, part, last_id, recv)
    return True


def _go_behind_what_is_covered(state: _Ordering, part: slice, last_id: int, recv: int) -> None:
    """Place a snapshot as of this id."""
    covered = state.ids <= last_id
    if covered.any():
        time = int(state.times[covered][np.argmax(state.ids[covered])])
    elif len(state.ids):
        time = int(state.times[np.argmin(state.ids)])
    else:
        time = state.past.seen_event if state.past.seen_event != NO_TIME else recv
    if not len(state.ids):  # whatever it covers, it is among what came before
        time = max(time, int(state.event[: part.start].max(initial=NO_TIME)))
    state.event[part] = max(time, state.past.event)
    mine = ~is_snapshot(state.rows) & (state.rows["seq"] <= last_id)
    behind = np.flatnonzero(mine)
    until = recv
    if len(behind):
        if behind[-1] > part.start:
            state.place[part] = behind[-1] + 0.5
        until = max(until, int(state.rows["recv_ns"][mine].max()))
    _note_placed(state, part, until)


def _note_placed(state: _Ordering, part: slice, until_ns: int) -> None:
    rows = state.rows
    instrument, seq = int(rows["instrument"][part.start]), int(rows["seq"][part.start])
    state.placed.append(Placed(instrument, seq, int(rows["recv_ns"][part.start]), until_ns))


def _keep_places(rows: RowBatch, event: Times, seen: int) -> None:
    """Fill in the times of the snapshots that keep their place, in rows that are in order.

    Each is later than all before it by the least that there is: ids give no order here.  With
    nothing before, it is earlier than what follows; alone it has its receive time.
    """
    kept = event == KEEPS_PLACE
    for start, stop in _snapshots(rows, kept):
        before = max(seen, int(event[:start].max(initial=NO_TIME)))
        following = event[stop:][event[stop:] > KEEPS_PLACE]
        if before != NO_TIME:
            event[start:stop] = before + 1
        elif len(following):
            event[start:stop] = following.min() - np.count_nonzero(kept)
        else:
            event[start:stop] = rows["recv_ns"][start]


def _carried_forward(event: Times, seen: int, recv: Times) -> Times:
    """Times with NO_TIME replaced by that of the row before; `seen` is that before the first.

    Where there is none, that of the first row with a time, else the receive time.
    """
    known = event != NO_TIME
    nearest = np.maximum.accumulate(np.where(known, np.arange(len(event)), -1))
    before = seen if seen != NO_TIME or not known.any() else event[known.argmax()]
    return np.where(nearest >= 0, event[nearest], recv if before == NO_TIME else before)


def _snapshots(rows: RowBatch, snapshot: Mask) -> Iterator[tuple[int, int]]:
    """Where snapshots begin and end, in one book's rows as they arrived."""
    members = np.flatnonzero(snapshot)
    if not len(members):
        return
    seq, recv = rows["seq"][members], rows["recv_ns"][members]
    apart = (np.diff(members) != 1) | (seq[1:] != seq[:-1]) | (recv[1:] != recv[:-1])
    for part in np.split(members, np.flatnonzero(apart) + 1):
        yield int(part[0]), int(part[-1]) + 1
