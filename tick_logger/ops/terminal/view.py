"""The live view on a terminal: one table, redrawn in place, nothing that blinks or scrolls.

It reads snapshots and draws; it knows nothing of connections or files.  Rates are taken over the
last few seconds, so that the figures move slowly enough to be read.  Log texts are drawn as plain
text, never as markup.
"""

from __future__ import annotations

import io
import sys
from collections import deque
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

import attrs
import trio
from rich import box
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from tick_logger.ops.status.snapshot import ExchangeNumbers, Rates, Snapshot, rates, together
from tick_logger.ops.terminal.fitting import in_one_line
from tick_logger.ops.terminal.unreached import unreached, unreached_in_short
from tick_logger.telemetry.logs import WELL_AGAIN

RATE_WINDOW_SECS = 3.0
AIRY_COLUMNS = 95  # from here on the table has room for wider gaps
ALL_COLUMNS = 74  # below that, some figures give way
FEW_COLUMNS = 44
MOST_NARROW = 6  # of a name, where it has to give way
MOST_LINES = 2  # for one log line


async def run_view(
    snapshot_source: Callable[[], Snapshot],
    *,
    console: Console,
    places: Mapping[str, str],
    warnings: Collection[str] = (),
    interval_secs: float = 0.5,
) -> None:
    """Draw until cancelled.

    `places` are named below the table; `warnings` is read anew at every redraw.  Cancellation:
    draws once more, so that the last figures stay on the screen.
    """
    snapshots: deque[Snapshot] = deque(maxlen=1 + round(RATE_WINDOW_SECS / interval_secs))
    with Live(console=console, auto_refresh=False) as live:
        size = console.size

        def draw(*, ended: bool = False) -> None:
            nonlocal size
            if console.size != size:  # the terminal has moved the old lines, nobody knows where
                size = console.size
                console.clear()
            snapshots.append(snapshot_source())
            ends = snapshots[0], snapshots[-1]
            width, height = console.width, console.height
            drawn = picture(*ends, places, warnings, width, height=height, ended=ended)
            live.update(drawn, refresh=True)

        try:
            while True:
                draw()
                await trio.sleep(interval_secs)
        finally:
            draw(ended=True)


def picture(
    before: Snapshot,
    after: Snapshot,
    places: Mapping[str, str],
    warnings: Collection[str],
    width: int,
    *,
    height: int = sys.maxsize,
    ended: bool = False,
) -> RenderableType:
    """What a screen of this many columns and lines shows, with rates between the two snapshots.

    Once all has `ended`, it is no trouble that nothing is connected.  Where there is no room for
    all, the oldest warnings give way.
    """
    table = _table(before, after, width=width, ended=ended)
    lines: list[RenderableType] = []
    for say_unreached in (unreached, unreached_in_short):
        lines = [table, *_troubles(after)]
        lines += [] if ended else say_unreached(after)
        lines += _absent(after)
        lines += [Text.assemble((f"{name} ", "dim"), place) for name, place in places.items()]
        if _lines(lines, width) <= height:
            break
    room = height - _lines(lines, width)
    return Group(*lines, *_newest(list(warnings), width, room))


def _troubles(after: Snapshot) -> list[Text]:
    return [Text(f"not ready: {reason}", "bold red") for reason in after.troubles]


def _absent(after: Snapshot) -> Iterator[Text]:
    """How many symbols are wanted and not recorded, by exchange."""
    for name, numbers in after.exchanges.items():
        if numbers.symbols_left_out:
            count = f"{numbers.symbols_left_out:,} symbols left out"
            yield Text(f"{name}: {count}: its connections are full", "yellow")
        if numbers.symbols_not_listed:
            many = numbers.symbols_not_listed
            count = f"{many:,} configured symbol{' is' if many == 1 else 's are'} not listed"
            yield Text(f"{name}: {count}", "yellow")


def _newest(warnings: Sequence[str], width: int, room: int) -> Iterator[Text]:
    """The newest log lines, each in as many lines as there is room for."""
    shown = warnings[-room:] if room > 0 else ()
    most = min(room // max(len(shown), 1), MOST_LINES)
    for line in shown:
        yield Text(in_one_line(line, width * most), _colour(line), no_wrap=most == 1)


def _colour(line: str) -> str:
    """Of a log line below the table."""
    return "green" if line.split(" ")[1:2] and line.split(" ")[1] in WELL_AGAIN else "yellow"


def _lines(parts: Sequence[RenderableType], width: int) -> int:
    """How many lines of a screen they take."""
    console = Console(width=width, file=io.StringIO())
    return len(console.render_lines(Group(*parts), pad=False))


@attrs.frozen
class _Column:
    """A figure of the table, and on how narrow a screen it is shown."""

    heading: str  # broken where a screen of 80 columns would break it anyhow
    cell: Callable[[ExchangeNumbers, Rates], Text]
    least_width: int = 0
    is_of_now: bool = False  # it says nothing any more once all has ended


def _table(before: Snapshot, after: Snapshot, *, width: int, ended: bool) -> Table:
    airy = width >= AIRY_COLUMNS
    table = Table(box=box.SIMPLE, padding=(0, 0, 0, 1 if airy else 0), show_edge=False)
    most = None if width >= ALL_COLUMNS else max(MOST_NARROW, width - 34)
    table.add_column("exchange", no_wrap=True, overflow="ellipsis", max_width=most)
    columns = [each for each in _COLUMNS if width >= each.least_width]
    for column in columns:
        table.add_column(column.heading, justify="right", no_wrap=width < ALL_COLUMNS)

    def cells(numbers: ExchangeNumbers, speed: Rates) -> list[Text]:
        return [
            Text("-", "dim") if ended and each.is_of_now else each.cell(numbers, speed)
            for each in columns
        ]

    speeds = rates(before, after)
    for name, numbers in after.exchanges.items():
        table.add_row(Text(name), *cells(numbers, speeds[name]))
    table.add_section()
    table.add_row(Text("total", "bold"), *cells(after.total, together(speeds.values())))
    return table


def _up(numbers: ExchangeNumbers, _: Rates) -> Text:
    up, wanted = numbers.connections_up, numbers.connections_wanted
    return Text(f"{up}/{wanted}", "yellow" if up < max(wanted, 1) else "")


def _count(count: int) -> Text:
    return Text(f"{count:,}", "yellow" if count else "dim")


def _gaps(numbers: ExchangeNumbers) -> Text:
    """Those that are over; below, if any, of how many streams one is open, and how many heal."""
    below = [
        (f"\n+{numbers.holes_open:,} open", "bold red", numbers.holes_open),
        (f"\n{numbers.holes_waiting:,} to fill", "yellow", numbers.holes_waiting),
        (f"\n{numbers.holes_filled:,} filled", "dim", numbers.holes_filled),
    ]
    return Text.assemble(_count(numbers.gaps), *(line[:2] for line in below if line[2]))


def _age(seconds: float | None) -> str:
    if seconds is None:
        return "-"
    return f"{seconds:.1f} s" if seconds < 60 else f"{seconds / 60:,.0f} min"


_COLUMNS = (
    _Column("up/\nwanted", _up, is_of_now=True),
    _Column("symbols", lambda n, _: Text(f"{n.symbols:,}"), ALL_COLUMNS),
    _Column("msg/s", lambda _, speed: Text(f"{speed.messages:,.0f}"), ALL_COLUMNS, is_of_now=True),
    _Column("rows/s", lambda _, speed: Text(f"{speed.rows:,.0f}"), is_of_now=True),
    _Column("last\ndata", lambda n, _: Text(_age(n.seconds_since_data)), FEW_COLUMNS),
    _Column("recon-\nnects", lambda n, _: _count(n.reconnects), ALL_COLUMNS),
    _Column("gaps", lambda n, _: _gaps(n)),
    _Column("late", lambda n, _: _count(n.late), ALL_COLUMNS),
    _Column("dropped", lambda n, _: _count(n.dropped), FEW_COLUMNS),
)
