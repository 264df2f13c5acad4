"""Finding rows that were received before, in the tables whose ids need not be dense.

What makes two rows the same differs by table: a ticker by event time, sequence and content (some
venues give neither time nor sequence), a quote by its update id or else by event time and content,
a book level by update id, side, price and size.  Levels without an id cannot be told apart and are
all kept (an absolute size that is applied twice does no harm).  A snapshot is dropped as a whole or
not at all: readers begin a new book with the rows that are left of it.

An instrument whose rows only move forward is recognised for all instruments at once.  Otherwise
its rows are compared with those still in the reorder window and with the newest before that:
repetitions come right after the original (a resend) or right after a reconnect (the latest again).
After a restart a row repeats one on disk if it is older than the last row there in id and in time:
an exchange has no other reason to send it to a new connection.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from tick_logger.model.rows import RowBatch
from tick_logger.model.tables import FLAG_SNAPSHOT, Table
from tick_logger.pipeline.order import group_ends, group_starts, rows_of, same_stream
from tick_logger.pipeline.state import StreamStates

Mask = npt.NDArray[np.bool_]

IDENTITY: dict[Table, tuple[str, ...]] = {
    Table.MD: ("event_ns", "seq", "price", "volume", "best_bid", "best_ask"),
    Table.QUOTES: ("seq",),
    Table.BOOK: ("seq", "side", "price", "size", "flags"),
}
CONTENT = ("price", "volume", "best_bid", "best_ask")
MIXING_FACTOR = np.uint64(0x9E3779B97F4A7C15)
"""Odd and without a pattern; products wrap around."""
UNNUMBERED_QUOTE = ("event_ns", "best_bid", "best_bid_size", "best_ask", "best_ask_size")


def admit(rows: RowBatch, states: StreamStates, held: RowBatch) -> Mask:
    """Which of the sorted rows are new, given those held (sorted); updates the newest seen."""
    keep = np.ones(len(rows), np.bool_)
    if not len(rows):
        return keep
    starts = group_starts(rows)
    ends = group_ends(starts, len(rows))
    instruments = rows["instrument"][starts]
    assert (instruments[1:] > instruments[:-1]).all(), "a stream would be compared in two parts"
    forward = _moves_forward(rows, starts, states, held)
    for group in np.flatnonzero(~forward).tolist():
        part = slice(int(starts[group]), int(ends[group]) + 1)
        keep[part] = _admit_group(rows.take(part), states, held)
    _remember(rows, starts, ends, states)
    return keep


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
    elif rows.table is Table.QUOTES:
        # Where quotes have ids, these tell; where they have none, their times must do.
        numbered = seq[1:] != 0
        same = np.where(numbered, seq[1:] <= seq[:-1], event[1:] == event[:-1])
        newer = _newer_ids(seq, starts, states.seen_seq[heads])
        newer &= (seq[starts] != 0) | (event[starts] > states.seen_event[heads])
    else:
        # The levels of one update share its id, so that an equal id is no sign of a repetition.
        same = (seq[1:] < seq[:-1]) | _begins_again(rows, starts)[1:]
        same &= seq[1:] != 0
        newer = _newer_ids(seq, starts, states.seen_seq[heads])
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
    snapshot: Mask = (rows["flags"] & FLAG_SNAPSHOT) != 0
    if not snapshot.any():
        return snapshot
    known = np.unique(held["seq"][(held["flags"] & FLAG_SNAPSHOT) != 0])
    return np.asarray(snapshot & np.isin(rows["seq"], known[known != 0]))


def _begins_again(rows: RowBatch, starts: npt.NDArray[np.intp]) -> Mask:
    """Where a row repeats the first level of its update: a message that came twice at once."""
    begins = np.zeros(len(rows), np.bool_)
    begins[1:] = rows["seq"][1:] != rows["seq"][:-1]
    begins[starts] = True
    return _repeats_first(rows, begins)


def _repeats_first(rows: RowBatch, begins: Mask) -> Mask:
    """Where a row has the side and price of the row at which its message `begins`."""
    side, price, place = rows["side"], rows["price"], np.arange(len(rows))
    first = np.maximum.accumulate(np.where(begins, place, 0))
    return np.asarray((side == side[first]) & (price == price[first]) & (first != place))


def _admit_group(rows: RowBatch, states: StreamStates, held: RowBatch) -> Mask:
    """Compare the rows of one instrument one by one with what came before."""
    instrument = int(rows["instrument"][0])
    seen = set(_keys(rows_of(held, instrument)))
    keep = np.ones(len(rows), np.bool_)
    known = _on_disk(rows, states, instrument) | _repeats_newest(rows, states, instrument)
    # In order of arrival within equal times: the first of several like rows is the one that stays.
    for row, (key, seq) in enumerate(zip(_keys(rows), rows["seq"].tolist(), strict=True)):
        if seq == 0 and rows.table is Table.BOOK:
            continue  # levels without an id cannot be told apart: all are kept
        keep[row] = not known[row] and key not in seen
        seen.add(key)
    return _with_whole_snapshots(rows, keep) if rows.table is Table.BOOK else keep


def _with_whole_snapshots(rows: RowBatch, keep: Mask) -> Mask:
    """Keep all rows of a snapshot if any of them is kept; the rows are one instrument's.

    Ids begin anew at 1, and may be times: two books may well have the same, and levels in common.
    """
    snapshot = (rows["flags"] & FLAG_SNAPSHOT) != 0
    if not (snapshot & keep).any():
        return keep
    begins = np.ones(len(rows), np.bool_)
    begins[1:] = np.logical_or.reduce(
        [rows[name][1:] != rows[name][:-1] for name in ("seq", "recv_ns", "flags")]
    )
    begins |= _repeats_first(rows, begins)
    new = np.logical_or.reduceat(keep, np.flatnonzero(begins))[np.cumsum(begins) - 1]
    return np.asarray(keep | (snapshot & new))


def _repeats_newest(rows: RowBatch, states: StreamStates, instrument: int) -> Mask:
    """Which rows of one instrument are the newest seen, which may have left the window long ago."""
    event, seq = states.seen_event[instrument], states.seen_seq[instrument]
    if rows.table is not Table.MD:
        again = (rows["seq"] == seq) & (seq != 0)
        if rows.table is Table.BOOK:  # younger is the update with this id after a new beginning
            again &= (rows["flags"] & FLAG_SNAPSHOT) == 0
            again &= rows["event_ns"] <= event
        return np.asarray(again)
    again, content = rows["event_ns"] == event, states.seen_content[instrument]
    if content == 0:
        # What is on disk has no sequence; a restart is greeted with the ticker that ended it.
        return np.asarray(again & ((rows["seq"] == seq) | (seq == 0)))
    return np.asarray(again & (rows["seq"] == seq) & (_content(rows) == content))


def _content(rows: RowBatch) -> npt.NDArray[np.uint64]:
    """A number that stands for the prices of each ticker; never 0."""
    mixed = np.ones(len(rows), np.uint64)
    for field in CONTENT:
        mixed = mixed * MIXING_FACTOR + rows[field].view(np.uint64)
    return mixed | np.uint64(1)


def _on_disk(rows: RowBatch, states: StreamStates, instrument: int) -> Mask:
    """Which rows lie before the last row of an earlier process, in id as well as in time.

    Not one of both: ids may begin anew, and a clock may have been wrong.  Snapshots are taken anew
    however old they are, and tickers leave no id on disk.
    """
    before = (rows["seq"] <= states.disk_seq[instrument]) & (
        rows["event_ns"] <= states.disk_event[instrument]
    )
    if rows.table is Table.BOOK:
        before &= (rows["flags"] & FLAG_SNAPSHOT) == 0
    return np.asarray(before & (rows["seq"] != 0) & (states.disk_seq[instrument] != 0))


def _keys(rows: RowBatch) -> list[tuple[object, ...]]:
    keys = _tuples(rows, IDENTITY[rows.table])
    if rows.table is not Table.QUOTES or (rows["seq"] != 0).all():
        return keys
    by_content = _tuples(rows, UNNUMBERED_QUOTE)
    return [key if key[0] else other for key, other in zip(keys, by_content, strict=True)]


def _tuples(rows: RowBatch, names: tuple[str, ...]) -> list[tuple[object, ...]]:
    fields = [rows[name] for name in names]
    # As bits, in which a number that is missing equals another.
    bits = [each.view(np.int64) if each.dtype.kind == "f" else each for each in fields]
    return list(zip(*(each.tolist() for each in bits), strict=True))


def _remember(
    rows: RowBatch,
    starts: npt.NDArray[np.intp],
    ends: npt.NDArray[np.intp],
    states: StreamStates,
) -> None:
    """Let the newest of these rows be the newest seen of their streams."""
    heads = rows["instrument"][starts]
    seq = rows["seq"]
    if rows.table is Table.BOOK:
        # A snapshot's id may lie ahead of updates that are still to come.
        seq = np.where((rows["flags"] & FLAG_SNAPSHOT) != 0, np.uint64(0), seq)
    newest_seq = np.maximum.reduceat(seq, starts)
    newest_event = rows["event_ns"][ends]
    if rows.table is Table.MD:
        # The pair belongs together: the newest row, not the largest of each.
        seen, last_seq = states.seen_event[heads], seq[ends]
        newer = newest_event > seen
        newer |= (newest_event == seen) & (last_seq >= states.seen_seq[heads])
        states.seen_event[heads[newer]] = newest_event[newer]
        states.seen_seq[heads[newer]] = last_seq[newer]
        states.seen_content[heads[newer]] = _content(rows.take(ends[newer]))
        return
    states.seen_event[heads] = np.maximum(states.seen_event[heads], newest_event)
    states.seen_seq[heads] = np.maximum(states.seen_seq[heads], newest_seq)
