"""Compares what was sent with what is on disk, and says what is missing and what is wrong.

Every row sent long enough before the end of the process that received it is on disk exactly once
with its true values; what may be missing is covered by a gap record; nothing else is on disk.
Books are checked for their shape only, and gap records are taken at their word.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import attrs
import numpy as np

from scripts.torture_rig.ledger import SENT, Judged, Ledger, Life, Stream, judge
from scripts.torture_rig.recorded import OnDisk, read
from scripts.torture_rig.rows import NEVER_NS, RECORDS, Array, numbered, opaque

GAP_SLACK_NS = 250_000_000
"""Gap records tell when rows could be received, the ledger when they were sent: a step of the
market, a linger and the way through the sockets lie between."""

MOST_EXAMPLES = 12
"""Of what is wrong and of what is missing, so many streams are described each."""

MOST_IDS = 1_000_000
"""Trades that one symbol may make while the recorder is down."""

_NOTHING = np.empty(0, np.int64)


@attrs.define
class Verdict:
    """Counts of rows, over all streams of a directory."""

    promised: int = 0  # sent so early, or to a process so healthy, that they must be on disk
    lost: int = 0  # of these, those that are not
    excused: int = 0  # missing with a gap record, where that is allowed
    untold: int = 0  # missing where that is allowed, but without a gap record
    wrong: int = 0  # torn, unsorted, duplicate, invented, or with a wrong value
    longest_ns: int = 0  # age of the oldest missing row when the process that received it was cut
    wrongs: list[str] = attrs.Factory(list)
    losses: list[str] = attrs.Factory(list)

    @property
    def examples(self) -> list[str]:
        """Some of what is wrong or missing, in words."""
        return [*self.wrongs[:MOST_EXAMPLES], *self.losses[:MOST_EXAMPLES]]


def check(ledger: Ledger, lives: list[Life], root: Path, now_ns: int) -> Verdict:
    """The verdict over a directory to which nobody writes any more.

    `now_ns` is a time after everything was received.
    """
    verdict = Verdict()
    sent, on_disk = ledger.sent(), read(root)
    for stream in sorted({*sent, *on_disk}):
        found = on_disk.get(stream) or _nothing(stream)
        _check_shape(verdict, stream, found, lives[0].start_ns, now_ns)
        if stream.table in RECORDS:
            rows = _distinct(sent.get(stream, np.empty(0, SENT[stream.table])))
            _check_rows(verdict, stream, rows, found, lives)
    return verdict


def _nothing(stream: Stream) -> OnDisk:
    return OnDisk(np.empty(0, RECORDS[stream.table]), _NOTHING, _NOTHING)


def _check_shape(
    verdict: Verdict, stream: Stream, found: OnDisk, began_ns: int, now_ns: int
) -> None:
    impossible = (found.recv_ns < began_ns) | (found.recv_ns > now_ns)
    if stream.table in ("TRADES", "MD"):  # the others may have stand-ins for event times
        impossible |= found.recv_ns < found.event_ns
    verdict.wrong += found.misplaced + int(impossible.sum())
    if found.misplaced or impossible.any():
        verdict.wrongs.append(
            f"{_name(stream)}: {found.torn} rows torn, {found.unsorted} out of order,"
            f" {int(impossible.sum())} received at an impossible time"
        )


def _distinct(rows: Array) -> Array:
    """Each row once, as it was sent first; ordered by the time of sending."""
    rows = rows[np.argsort(rows["sent_ns"], kind="stable")]
    identities = opaque(rows[["sequence", "record"]].astype(_identity(rows.dtype)))
    _, first = np.unique(identities, return_index=True)
    return np.asarray(rows[np.sort(first)])


def _identity(kind: np.dtype[Any]) -> np.dtype[Any]:
    return np.dtype([("sequence", "<u8"), ("record", kind["record"])])


def _check_rows(
    verdict: Verdict, stream: Stream, rows: Array, found: OnDisk, lives: list[Life]
) -> None:
    wanted, have = numbered(rows["record"]), numbered(found.records)
    _count_wrong(verdict, stream, rows, found.records[~np.isin(have, wanted)])
    judged = judge(rows["sent_ns"], lives)
    present = np.isin(wanted, have)
    missing = judged.inside & ~present
    excused = missing & _covered(stream, rows, found.gaps)
    due = judged.due & ~(judged.excusable & excused)
    # Of a stream of which nothing was durable yet, nobody knew after a cut that it was recorded.
    known = rows["sent_ns"] > rows["sent_ns"][present].min(initial=NEVER_NS)
    untold = missing & ~due & ~excused & ~judged.unfinished & known
    verdict.promised += int(due.sum())
    verdict.lost += int((missing & due).sum())
    verdict.excused += int((excused & ~due).sum())
    verdict.untold += int(untold.sum())
    if missing.any():
        verdict.longest_ns = max(verdict.longest_ns, int(judged.age_ns[missing].max()))
    _describe(verdict, stream, rows, missing & due, judged, "lost")
    _describe(verdict, stream, rows, untold, judged, "missing without a gap record")
    if stream.table == "TRADES":
        _check_ids(verdict, stream, rows, found)


def _check_ids(verdict: Verdict, stream: Stream, rows: Array, found: OnDisk) -> None:
    """Trades that were made while nobody listened leave holes in the ids: these need records too.

    Ids that were sent are judged elsewhere.
    """
    ids = np.unique(found.records["trade_id"])
    steps = np.diff(ids)
    # A hole of more ids than all rows together lies beside an invented id, which is counted.
    holes = np.flatnonzero((steps > 1) & (steps < MOST_IDS))
    unsent = [np.arange(ids[at] + 1, ids[at + 1], dtype=np.uint64) for at in holes]
    silent = np.setdiff1d(np.concatenate([*unsent, ids[:0]]), rows["sequence"])
    for gap in found.gaps:
        if gap["from_id"] is not None and gap["to_id"] is not None:
            silent = silent[(silent < gap["from_id"]) | (silent > gap["to_id"])]
    verdict.untold += len(silent)
    if len(silent):
        verdict.losses.append(f"{_name(stream)}: {len(silent)} ids skipped without a gap record")


def _covered(stream: Stream, rows: Array, gaps: list[dict[str, Any]]) -> Array:
    """Which rows a gap record speaks of: by id, or where it has none by time."""
    covered = np.zeros(len(rows), np.bool_)
    for gap in gaps:
        if gap["from_id"] is not None and gap["to_id"] is not None:
            ids = rows["sequence"]
            covered |= (ids >= gap["from_id"]) & (ids <= gap["to_id"])
        else:
            sent = rows["sent_ns"]
            since = 0 if gap["from_ns"] is None else gap["from_ns"] - GAP_SLACK_NS
            until = np.iinfo(np.int64).max
            if gap["to_ns"] is not None:
                until = gap["to_ns"] + GAP_SLACK_NS
            covered |= (sent >= since) & (sent <= until)
    return covered


def _count_wrong(verdict: Verdict, stream: Stream, rows: Array, extra: Array) -> None:
    if len(extra):
        known = int(np.isin(opaque(extra), opaque(rows["record"])).sum())
        verdict.wrong += len(extra)
        verdict.wrongs.append(
            f"{_name(stream)}: {known} rows twice, {len(extra) - known} that were never sent so,"
            f" such as {extra[0]}"
        )


def _describe(
    verdict: Verdict, stream: Stream, rows: Array, which: Array, judged: Judged, how: str
) -> None:
    if which.any():
        ages = judged.age_ns[which] / 1e6
        verdict.losses.append(
            f"{_name(stream)}: {int(which.sum())} rows {how}, sent {ages.min():,.0f} to"
            f" {ages.max():,.0f} ms before the end, ids from {rows['sequence'][which][0]}"
        )


def _name(stream: Stream) -> str:
    return "/".join(stream)
