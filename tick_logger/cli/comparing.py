"""The command `compare`: two recordings side by side, as lines of 80 columns or as JSON."""

from __future__ import annotations

import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tick_logger import exit_codes
from tick_logger.cli.arguments import require
from tick_logger.errors import StorageError, words_of

if TYPE_CHECKING:
    from tick_logger.compare.report import Comparison, Example, StreamFound, Tally
    from tick_logger.reader.source import Source
    from tick_logger.reader.times import Span

WIDTH = 80
NAME_WIDTH = 29
COLUMNS = {
    "both": 11,
    "only OLD": 10,
    "only NEW": 10,
    "in holes": 10,
    "differ": 10,
}
"""Of the table, with their widths."""

MOST_SHOWN = 20
"""Differences that are shown one by one; `--json` has three of each kind for each stream."""


def compare_command(
    old: Path,
    new: Path,
    /,
    *,
    day: str = "",
    exchange: str = "",
    legacy: bool = False,
    json: bool = False,
) -> int:
    """Compare two recordings of the same time; exit code 0 only if they have the same rows.

    Only the time that both have is judged, exchange by exchange. OLD may be of an earlier logger
    whose folders name no exchange ({symbol}/MD/...); its symbols are looked for in NEW.

    Parameters
    ----------
    old
        A directory that was recorded into.
    new
        Another one.
    day
        Compare one UTC day only, such as 2026-11-29.
    exchange
        Compare one exchange only; where a directory names none, the exchange that it has.
    legacy
        Read OLD as the directory of an earlier logger, whatever else lies in it.
    json
        Print one JSON object instead of lines.
    """
    from tick_logger.compare.comparing import compare

    require(_lacking(old), _lacking(new))
    wanted = _span(day)
    require(None if wanted else ("--day", f'must be a day such as "2026-11-29", not "{day}"'))
    assert wanted is not None, "refused above"
    sources = _opened(old, legacy=legacy), _opened(new, legacy=False)
    try:
        found = compare(*sources, wanted, exchange=exchange, on_stream=_progress)
    except OSError as error:
        where = error.filename or f"{old} or {new}"
        raise StorageError(f"{where} cannot be read: {words_of(error)}") from error
    finally:
        _progress_is_over()
    if json:
        sys.stdout.write(found.to_json() + "\n")
    else:
        from tick_logger.telemetry.logs import harmless

        sys.stdout.writelines(f"{harmless(line)}\n" for line in _lines(found))
    return exit_codes.CLEAN if found.equal else exit_codes.FOUND


def _lacking(directory: Path) -> tuple[str, str] | None:
    return None if directory.is_dir() else (str(directory), "there is no such directory")


def _opened(directory: Path, *, legacy: bool) -> Source:
    from tick_logger.reader.opening import source_at

    return source_at(directory, "legacy" if legacy else "auto")


def _span(day: str) -> Span | None:
    """The day; all time if it is empty, None if it is none."""
    from tick_logger.reader.times import BEGINNING_NS, END_NS, Span, span

    if not day:
        return Span(BEGINNING_NS, END_NS)
    try:
        return span(day, None) if len(day.strip()) == len("2026-11-29") else None
    except ValueError:
        return None


# -- how it looks ---------------------------------------------------------------------------------


def _lines(found: Comparison) -> Iterator[str]:
    yield f"OLD {found.old}"
    yield f"NEW {found.new}"
    for judged in found.judged:
        yield from _wrapped(f"judged: {judged}")
    for note in found.notes:
        yield from _wrapped(f"note: {note}")
    if found.streams:
        yield ""
        yield " " * NAME_WIDTH + "".join(name.rjust(width) for name, width in COLUMNS.items())
        yield from map(_line, found.streams)
        yield from _examples(found)
        yield ""
    yield from _totals(found)


def _line(stream: StreamFound) -> str:
    tally = stream.tally
    counts = (tally.both, tally.only_old, tally.only_new, tally.in_holes, tally.different)
    cells = zip(counts, COLUMNS.values(), strict=True)
    numbers = "".join(_number(count, width) for count, width in cells)
    return _shortened(stream.name).ljust(NAME_WIDTH) + numbers


def _number(count: int, width: int) -> str:
    """As wide as it may be at most, with a blank before it."""
    text = f"{count:,}"
    return (text if len(text) < width else f"{count:.2e}").rjust(width)


def _shortened(name: str) -> str:
    """The table and the symbol's end tell streams apart better than what is before them."""
    return name if len(name) <= NAME_WIDTH else "~" + name[1 - NAME_WIDTH :]


def _examples(found: Comparison) -> Iterator[str]:
    shown = [(stream, each) for stream in found.streams for each in stream.examples]
    last = None
    for stream, example in shown[:MOST_SHOWN]:
        if stream is not last:
            yield ""
            yield stream.name
            last = stream
        yield from _example(example)
    if len(shown) > MOST_SHOWN:
        yield f"  and {len(shown) - MOST_SHOWN:,} more; --json has them"


def _example(example: Example) -> Iterator[str]:
    if example.old is not None and example.new is not None:
        yield from _row("different, in OLD", example.old)
        yield from _row("           in NEW", example.new)
    elif example.old is not None:
        yield from _row("only in OLD", example.old)
    elif example.new is not None:
        yield from _row("only in NEW", example.new)


def _row(where: str, row: dict[str, Any]) -> list[str]:
    values = " ".join(f"{name}={value}" for name, value in row.items() if name != "recv_ts")
    return _wrapped(values, f"  {where}: ", " " * 6)


def _totals(found: Comparison) -> Iterator[str]:
    total = found.total
    if not found.compared:
        yield "nothing was compared"
        return
    yield f"in both: {total.both:,}"
    yield f"only in OLD: {total.only_old:,}, within holes of NEW: {total.in_holes_of_new:,}"
    yield f"only in NEW: {total.only_new:,}, within holes of OLD: {total.in_holes_of_old:,}"
    yield f"different values: {total.different:,}"
    if total.differs:
        yield f"not explained by holes: {total.unexplained:,}"
    yield from _outside(total)
    yield (
        f"tables of symbols: {found.compared:,}, of which differ: {len(found.streams):,}"
        f"{'; equal' if found.equal else ''}"
    )


def _outside(total: Tally) -> Iterator[str]:
    if total.snapshots:
        yield f"rows of snapshots of books in one only, not judged: {total.snapshots:,}"
    if total.outside_old or total.outside_new:
        old, new = total.outside_old, total.outside_new
        yield f"outside the common time, not judged: {old:,} in OLD, {new:,} in NEW"


def _wrapped(text: str, first: str = "", then: str = "  ") -> list[str]:
    return textwrap.wrap(
        text, WIDTH, initial_indent=first, subsequent_indent=then, break_on_hyphens=False
    )


def _progress(stream: str) -> None:
    if sys.stderr.isatty():
        sys.stderr.write(f"\r{stream[:WIDTH]}\x1b[K")


def _progress_is_over() -> None:
    if sys.stderr.isatty():
        sys.stderr.write("\r\x1b[K")
