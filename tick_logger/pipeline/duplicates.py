"""Finding rows that were received before, in the tables whose ids need not be dense.

What makes two rows the same differs by table: a ticker by event time, sequence and content (some
venues give neither time nor sequence), a quote by update id, event time and content, a book level
by update id, event time, side, price and size.  Where a venue sends no event time, the rest must
do.  Levels without an id cannot be told apart and are all kept (an absolute size that is applied
twice does no harm).  A snapshot is dropped as a whole or not at all: readers begin a new book with
the rows that are left of it.

An instrument whose rows only move forward is recognised for all instruments at once.  Otherwise
its rows are compared with those still in the reorder window and with the newest before that:
repetitions come right after the original (a resend) or right after a reconnect (the latest again).
After a restart a row repeats one on disk if it is older than the last row there in id and in time:
an exchange has no other reason to send it to a new connection.

Ids may begin again.  So the newest row is the last in order of time, not that of the largest id; a
lower id with a newer time is said to have begun again.  A quote that is pushed again without a
change, however often, has the id and the content of the newest: it is no row.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable
from itertools import chain

import attrs
import numpy as np
import numpy.typing as npt

from tick_logger.model.rows import RowBatch
from tick_logger.model.tables import FLAG_SNAPSHOT, Table
from tick_logger.pipeline.id_line import BegunAgain
from tick_logger.pipeline.newest import Newest
from tick_logger.pipeline.order import group_ends, group_starts, rows_of, same_stream
from tick_logger.pipeline.said import content
from tick_logger.pipeline.state import StreamStates

Mask = npt.NDArray[np.bool_]
Index = npt.NDArray[np.intp]
Admitted = tuple[Mask, list[BegunAgain]]

TICKER = ("event_ns", "seq", "price", "volume", "best_bid", "best_ask")
LEVEL = ("seq", "side", "price", "size", "flags")


def admit(rows: RowBatch, states: StreamStates, held: RowBatch) -> Admitted:
    """Which of the sorted rows are new, given those held (sorted), and whose ids began again.

    Updates the newest seen.
    """
    keep = np.ones(len(rows), np.bool_)
    found: list[BegunAgain] = []
    if not len(rows):
        return keep, found
    starts = group_starts(rows)
    ends = group_ends(starts, len(rows))
    instruments = rows["instrument"][starts]
    assert (instruments[1:] > instruments[:-1]).all(), "a stream would be compared in two parts"
    forward = _moves_forward(rows, starts, states, held)
    admit_group = _ADMIT_GROUP[rows.table]
    for group in np.flatnonzero(~forward).tolist():
        part = slice(int(starts[group]), int(ends[group]) + 1)
        mine = rows.take(part)
        keep[part], begun_again = admit_group(mine, states, rows_of(held, int(instruments[group])))
        found += begun_again
    _remember(rows if keep.all() else rows.take(keep), states)
    return keep, found


def _moves_forward(
    rows: RowBatch, starts: npt.NDArray[np.intp], states: StreamStates, held: RowBatch
) -> Mask:
    """Per group: whether no row can be a repetition.

    A `True` must be right; a `False` only costs the comparison of each row of the group.
    """
    seq, event, instrument = rows["seq"], rows["event_ns"], rows["instrument"]
    heads = instrument[starts]
    within = same_stream(rows)
    if rows.table is Table.MD:
        # A ticker's sequence may stand still while its time moves on, and the other way about.
        same = (event[1:] == event[:-1]) & (seq[1:] == seq[:-1])
        newer = event[starts] > states.seen_event[heads]
    else:
        newer = _newer_ids(seq, starts, states.seen_seq[heads]) & ~states.mixed[heads]
        # After ids have begun again, one beyond the newest may be old, and its time tells.
        newer &= (event[starts] >= states.last_event[heads]) | (seq[starts] == 0)
        if rows.table is Table.QUOTES:
            # Where quotes have ids, these tell; where they have none, their times must do.
            same = np.where(seq[1:] != 0, seq[1:] <= seq[:-1], event[1:] == event[:-1])
            newer &= (seq[starts] != 0) | (event[starts] > states.seen_event[heads])
        else:
            # The levels of one update share its id: an equal id is no sign of a repetition.
            same = (seq[1:] < seq[:-1]) | _begins_again(rows, starts)[1:]
            same &= seq[1:] != 0
    suspect = np.zeros(len(rows), np.bool_)
    suspect[1:] = within & same
    if rows.table is Table.BOOK:
        suspect |= _snapshot_again(rows, held)
    suspicious = np.add.reduceat(suspect, starts, dtype=np.int64) != 0
    return np.asarray(~suspicious & newer)


def _newer_ids(
    seq: npt.NDArray[np.uint64], starts: npt.NDArray[np.intp], seen: npt.NDArray[np.uint64]
) -> Mask:
    """Per group: whether it begins behind the newest id seen, or has no ids at all."""
    return np.asarray((seq[starts] > seen) | (np.maximum.reduceat(seq, starts) == 0))


def _snapshot_again(rows: RowBatch, held: RowBatch) -> Mask:
    """Where a row may be one of a snapshot that is still held: of any instrument, with its id."""
    snapshot = _snapshot(rows)
    if not snapshot.any():
        return snapshot
    known = np.unique(held["seq"][_snapshot(held)])
    return np.asarray(snapshot & np.isin(rows["seq"], known[known != 0]))


def _begins_again(rows: RowBatch, starts: npt.NDArray[np.intp]) -> Mask:
    """Where a row repeats the first level of its update: a message that came twice at once."""
    begins = np.zeros(len(rows), np.bool_)
    begins[1:] = rows["seq"][1:] != rows["seq"][:-1]
    begins[starts] = True
    return _repeats_first(rows, begins)


def _repeats_first(rows: RowBatch, begins: Mask) -> Mask:
    """Where a row has the side and price of the row at which its message `begins`."""
    side, place = rows["side"], np.arange(len(rows))
    price = rows["price"].view(np.int64)  # as bits: NaN, of a side without levels, equals itself
    first = np.maximum.accumulate(np.where(begins, place, 0))
    return np.asarray((side == side[first]) & (price == price[first]) & (first != place))


def _admit_tickers(rows: RowBatch, states: StreamStates, held: RowBatch) -> Admitted:
    """Compare the tickers of one instrument one by one with what came before."""
    seen = set(_keys(held, TICKER))
    keep = ~_repeats_newest_ticker(rows, states)
    # In order of arrival within equal times: the first of several like rows is the one that stays.
    for row, key in enumerate(_keys(rows, TICKER)):
        keep[row] &= key not in seen
        seen.add(key)
    return keep, []


def _admit_quotes(rows: RowBatch, states: StreamStates, held: RowBatch) -> Admitted:
    """Compare the quotes of one instrument one by one with what came before."""
    instrument = int(rows["instrument"][0])
    untimed = bool(states.untimed[instrument])
    newest, newest_said = Newest.of(states, instrument), int(states.seen_content[instrument])
    keep = ~_on_disk(rows, states, instrument)
    seen = {_quote_key(*quote, untimed=untimed) for quote in _quotes(held)}
    recv = rows["recv_ns"].tolist()
    for row, (id_, event, said) in enumerate(_quotes(rows)):
        key = _quote_key(id_, event, said, untimed=untimed)
        # What is on disk has no content here: its id must do.
        pushed_again = id_ == newest.id != 0 and newest_said in (said, 0)
        keep[row] &= not pushed_again and key not in seen
        seen.add(key)
        if keep[row] and newest.moves_to(id_, event, recv[row]):
            newest_said = said
    ids = np.concatenate((held["seq"], rows["seq"]))
    states.mixed[instrument] = untimed and int(ids.max()) > newest.id
    return keep, newest.begun_again


def _quotes(rows: RowBatch) -> list[tuple[int, int, int]]:
    """Id, event time and content of each quote."""
    columns = rows["seq"], rows["event_ns"], content(rows)
    return list(zip(*(column.tolist() for column in columns), strict=True))


def _quote_key(id_: int, event_ns: int, said: int, *, untimed: bool) -> tuple[int, int, int]:
    """What is the same of the same quote, on whatever connection it comes."""
    return (id_, 0, said) if untimed and id_ else (id_, event_ns, said)


def _admit_levels(rows: RowBatch, states: StreamStates, held: RowBatch) -> Admitted:
    """Compare the levels of one book one by one with what came before."""
    instrument = int(rows["instrument"][0])
    newest = Newest.of(states, instrument)
    snapshot = _snapshot(rows)
    newest_again = (rows["seq"] == newest.id) & (rows["event_ns"] <= newest.event_ns) & ~snapshot
    keep = ~_on_disk(rows, states, instrument) & ~newest_again
    seen = set(_keys(held, (*LEVEL, "event_ns")))
    seen_snapshots = _SeenSnapshots.of(rows, held)
    columns = rows["seq"].tolist(), snapshot.tolist(), rows["recv_ns"].tolist()
    keys = _keys(rows, (*LEVEL, "event_ns"))
    for row, (key, id_, flagged, recv) in enumerate(zip(keys, *columns, strict=True)):
        if id_ == 0:
            keep[row] = True  # levels without an id cannot be told apart: all are kept
            continue
        *level, event = key
        keep[row] &= key not in seen and not (flagged and seen_snapshots.has(tuple(level), event))
        seen.add(key)
        if keep[row] and not flagged:
            newest.moves_to(id_, event, recv)
    return _with_whole_snapshots(rows, keep), newest.begun_again


@attrs.define
class _SeenSnapshots:
    """The levels of snapshots, none of which has a time of its own everywhere.

    The same level again is of the same snapshot, unless updates came between the two.
    """

    times: dict[tuple[int, ...], int]  # by level
    updates: list[int]  # times of them, ascending

    @classmethod
    def of(cls, rows: RowBatch, held: RowBatch) -> _SeenSnapshots:
        """Those held, and the updates beside them and among the rows that came."""
        mine = held.take(_snapshot(held))
        times = dict(zip(_keys(mine, LEVEL), mine["event_ns"].tolist(), strict=True))
        updates = (each["event_ns"][~_snapshot(each)].tolist() for each in (held, rows))
        return cls(times, sorted(set(chain.from_iterable(updates))))

    def has(self, level: tuple[int, ...], event_ns: int) -> bool:
        """Whether the level was there before; it is from now on."""
        before = self.times.get(level)
        self.times[level] = event_ns
        if before is None:
            return False
        return bisect_left(self.updates, event_ns) <= bisect_right(self.updates, before)


def _with_whole_snapshots(rows: RowBatch, keep: Mask) -> Mask:
    """Keep all rows of a snapshot if any of them is kept; the rows are one instrument's.

    Ids begin anew at 1, and may be times: two books may well have the same, and levels in common.
    """
    snapshot = _snapshot(rows)
    if not (snapshot & keep).any():
        return keep
    begins = np.ones(len(rows), np.bool_)
    begins[1:] = np.logical_or.reduce(
        [rows[name][1:] != rows[name][:-1] for name in ("seq", "recv_ns", "flags")]
    )
    begins |= _repeats_first(rows, begins)
    new = np.logical_or.reduceat(keep, np.flatnonzero(begins))[np.cumsum(begins) - 1]
    return np.asarray(keep | (snapshot & new))


def _repeats_newest_ticker(rows: RowBatch, states: StreamStates) -> Mask:
    """Which tickers of one instrument are the newest seen, which may have left long ago."""
    instrument = int(rows["instrument"][0])
    seq, known = states.seen_seq[instrument], states.seen_content[instrument]
    again = rows["event_ns"] == states.seen_event[instrument]
    if known == 0:
        # What is on disk has no sequence; a restart is greeted with the ticker that ended it.
        return np.asarray(again & ((rows["seq"] == seq) | (seq == 0)))
    return np.asarray(again & (rows["seq"] == seq) & (content(rows) == known))


def _on_disk(rows: RowBatch, states: StreamStates, instrument: int) -> Mask:
    """Which rows lie before the last row of an earlier process, in id as well as in time.

    Not one of both: ids may begin anew, and a clock may have been wrong.  Snapshots are taken anew
    however old they are.
    """
    before = (rows["seq"] <= states.disk_seq[instrument]) & (
        rows["event_ns"] <= states.disk_event[instrument]
    )
    if rows.table is Table.BOOK:
        before &= ~_snapshot(rows)
    return np.asarray(before & (rows["seq"] != 0) & (states.disk_seq[instrument] != 0))


def _snapshot(rows: RowBatch) -> Mask:
    return np.asarray((rows["flags"] & FLAG_SNAPSHOT) != 0)


def _keys(rows: RowBatch, names: tuple[str, ...]) -> list[tuple[int, ...]]:
    fields = [rows[name] for name in names]
    # As bits, in which a number that is missing equals another.
    bits = [each.view(np.int64) if each.dtype.kind == "f" else each for each in fields]
    return list(zip(*(each.tolist() for each in bits), strict=True))


def _remember(rows: RowBatch, states: StreamStates) -> None:
    """Let the newest of these new rows be the newest seen of their streams."""
    starts = group_starts(rows)
    ends = group_ends(starts, len(rows))
    heads = rows["instrument"][starts]
    newest_event = rows["event_ns"][ends]
    if rows.table is Table.MD:
        # The pair belongs together: the newest row, not the largest of each.
        seen, last_seq = states.seen_event[heads], rows["seq"][ends]
        newer = newest_event > seen
        newer |= (newest_event == seen) & (last_seq >= states.seen_seq[heads])
        states.seen_event[heads[newer]] = newest_event[newer]
        states.seen_seq[heads[newer]] = last_seq[newer]
        states.seen_content[heads[newer]] = content(rows.take(ends[newer]))
        return
    states.seen_event[heads] = np.maximum(states.seen_event[heads], newest_event)
    last = _last_numbered(rows, starts, ends)
    last = last[last >= 0]
    if rows.table is Table.BOOK:
        states.updated[rows["instrument"][last]] = True
    last = last[rows["event_ns"][last] >= states.last_event[rows["instrument"][last]]]
    heads = rows["instrument"][last]
    states.seen_seq[heads] = rows["seq"][last]
    states.last_event[heads] = rows["event_ns"][last]
    states.last_recv[heads] = rows["recv_ns"][last]
    if rows.table is Table.QUOTES:
        states.seen_content[heads] = content(rows.take(last))


def _last_numbered(rows: RowBatch, starts: Index, ends: Index) -> Index:
    """Per group its last row with an id of its own, or -1.

    The id of a snapshot is none: it may lie ahead of updates that are still to come.
    """
    numbered = rows["seq"] != 0
    if rows.table is Table.BOOK:
        numbered &= ~_snapshot(rows)
    if numbered[ends].all():
        return ends
    return np.maximum.reduceat(np.where(numbered, np.arange(len(rows)), -1), starts)


_ADMIT_GROUP: dict[Table, Callable[[RowBatch, StreamStates, RowBatch], Admitted]] = {
    Table.MD: _admit_tickers,
    Table.QUOTES: _admit_quotes,
    Table.BOOK: _admit_levels,
}
