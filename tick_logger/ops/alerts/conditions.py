"""What is wrong enough to tell somebody: the few conditions, and which of them hold at a moment.

Pure.  They are alerts of `config/prometheus/rules.yml` by the same names, with the same bounds, so
that the same runbook is for both.  Not here: how long each must have held (`bell`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import attrs

from tick_logger.model.cause import Cause
from tick_logger.ops.status.reasons import duration
from tick_logger.ops.status.status import SOON_FULL_DAYS, ExchangeView, View, reasons_not_ready

START_SECS = 300.0
"""After a start what is not there yet is no alarm."""

DISK_START_SECS = 3600.0
"""A recovery and the first hour write more than is usual."""

LEAST_FREE = 0.1
OPEN_SECS = 300.0

REASONS = 3
"""Of several reasons why it is not ready; the rest are counted."""


@attrs.frozen
class Kind:
    """A condition: its name, how bad it is, and how long it must hold before it is told."""

    name: str
    severity: str  # "critical": data is lost, or will be; "warning": it can wait for the morning
    for_secs: float


NOT_READY = Kind("NotReady", "critical", 60.0)
DISK_ALMOST_FULL = Kind("DiskAlmostFull", "warning", 300.0)
DISK_FULL_SOON = Kind("DiskFullSoon", "critical", 1800.0)
FEED_SILENT = Kind("FeedSilent", "warning", 30.0)
GAP_OPENED = Kind("GapOpened", "warning", 60.0)
HOLE_OPEN = Kind("HoleOpen", "warning", 60.0)
KINDS = (NOT_READY, DISK_ALMOST_FULL, DISK_FULL_SOON, FEED_SILENT, GAP_OPENED, HOLE_OPEN)


@attrs.frozen
class Subject:
    """What is wrong with whom; empty is nobody in particular."""

    kind: Kind
    exchange: str = ""
    feed: str = ""
    cause: str = ""


Findings = Mapping[Subject, str]
"""What holds, each in one line of plain words."""


def findings(
    view: View, silent: Sequence[tuple[str, str]], gaps: Sequence[tuple[str, str]]
) -> Findings:
    """What holds now, with silent feeds (exchange, feed) and new holes (exchange, cause)."""
    found = dict(_of_the_recorder(view))
    for name, exchange in view.exchanges.items():
        found |= dict(_open_holes(name, exchange, view.now_secs))
    if view.uptime_secs > START_SECS:
        for name, feed in silent:
            words = f"{name} sends no {feed} any more"
            found[Subject(FEED_SILENT, exchange=name, feed=feed)] = words
    for name, cause in gaps:
        words = f"data of {name} is missing, and stays so (cause: {cause})"
        found[Subject(GAP_OPENED, exchange=name, cause=cause)] = words
    return found


def _of_the_recorder(view: View) -> Iterator[tuple[Subject, str]]:
    reasons = reasons_not_ready(view)
    if reasons and view.uptime_secs > START_SECS:
        more = f"; and {len(reasons) - REASONS} more" if len(reasons) > REASONS else ""
        yield Subject(NOT_READY), f"it is not ready: {'; '.join(reasons[:REASONS])}{more}"
    space, days = view.disk.newest, view.disk.days_until_full
    if space is not None and space.size_bytes and space.free_bytes < LEAST_FREE * space.size_bytes:
        full = 1 - space.free_bytes / space.size_bytes
        yield Subject(DISK_ALMOST_FULL), f"the disk is {full:.0%} full"
    if days is not None and days < SOON_FULL_DAYS and view.uptime_secs > DISK_START_SECS:
        yield Subject(DISK_FULL_SOON), f"the disk will be full in {days * 24:.0f} hours"


def _open_holes(
    name: str, exchange: ExchangeView, now_secs: float
) -> Iterator[tuple[Subject, str]]:
    for hole in exchange.open_holes:
        secs = now_secs - hole.since_ns / 1e9
        if secs > OPEN_SECS and hole.cause != Cause.RETIRED:
            cause = hole.cause.value
            words = f"data of {name} has been missing for {duration(secs)} (cause: {cause})"
            yield Subject(HOLE_OPEN, exchange=name, cause=cause), words
