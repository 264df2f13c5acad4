"""The live view on a terminal: one table, redrawn in place, nothing that blinks or scrolls.

It reads snapshots and draws; it knows nothing of connections or files.  Rates are taken over the
last few seconds, so that the figures move slowly enough to be read.  Log texts are drawn as plain
text, never as markup.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection, Mapping

import trio
from rich import box
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from tick_logger.ops.status.snapshot import ExchangeNumbers, Rates, Snapshot, rates, together

RATE_WINDOW_SECS = 3.0
AIRY_COLUMNS = 95  # from here on the table has room for wider gaps


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

        def draw(*, ended: bool = False) -> None:
            snapshots.append(snapshot_source())
            ends = snapshots[0], snapshots[-1]
            drawn = picture(*ends, places, warnings, console.width, ended=ended)
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
    ended: bool = False,
) -> RenderableType:
    """What a screen of this many columns shows, with rates between the two snapshots.

    Once all has `ended`, it is no trouble that nothing is connected.
    """
    table = _table(before, after, airy=width >= AIRY_COLUMNS, ended=ended)
    lines: list[RenderableType] = [table]
    lines += [Text(f"not ready: {reason}", "bold red") for reason in after.not_ready]
    for name, numbers in after.exchanges.items():
        if numbers.symbols_left_out:
            count = f"{numbers.symbols_left_out:,} symbols left out"
            lines.append(Text(f"{name}: {count}: its connections are full", "yellow"))
    lines += [Text.assemble((f"{name} ", "dim"), place) for name, place in places.items()]
    lines += [Text(_in_one_line(line, width), "yellow", no_wrap=True) for line in warnings]
    return Group(*lines)


def _in_one_line(line: str, columns: int) -> str:
    """Without its middle if it is too long: why something failed stands at the end."""
    if len(line) <= columns:
        return line
    head = columns // 2 - 2
    return f"{line[:head]} … {line[head + 3 - columns :]}"


def _table(before: Snapshot, after: Snapshot, *, airy: bool, ended: bool) -> Table:
    table = Table(box=box.SIMPLE, padding=(0, 0, 0, 1 if airy else 0), show_edge=False)
    table.add_column("exchange", no_wrap=True)
    for heading in (
        *("up/\nwanted", "symbols", "msg/s", "rows/s", "last\ndata"),
        *("recon-\nnects", "gaps", "late", "dropped"),
    ):  # broken where a screen of 80 columns would break them anyhow
        table.add_column(heading, justify="right", overflow="fold")
    speeds = rates(before, after)
    for name, numbers in after.exchanges.items():
        table.add_row(Text(name), *_cells(numbers, speeds[name], ended))
    table.add_section()
    table.add_row(Text("total", "bold"), *_cells(after.total, together(speeds.values()), ended))
    return table


def _cells(numbers: ExchangeNumbers, speed: Rates, ended: bool) -> list[Text]:
    up, wanted = numbers.connections_up, numbers.connections_wanted
    return [
        Text(f"{up}/{wanted}", "dim" if ended else "yellow" if up < wanted else ""),
        Text(f"{numbers.symbols:,}"),
        Text(f"{speed.messages:,.0f}"),
        Text(f"{speed.rows:,.0f}"),
        Text(_age(numbers.seconds_since_data)),
        _count(numbers.reconnects),
        _gaps(numbers),
        _count(numbers.late),
        _count(numbers.dropped),
    ]


def _count(count: int) -> Text:
    return Text(f"{count:,}", "yellow" if count else "dim")


def _gaps(numbers: ExchangeNumbers) -> Text:
    """Those that are over; below, if any, of how many streams one is open."""
    if not numbers.holes_open:
        return _count(numbers.gaps)
    return Text.assemble(_count(numbers.gaps), (f"\n+{numbers.holes_open:,} open", "bold red"))


def _age(seconds: float | None) -> str:
    if seconds is None:
        return "-"
    return f"{seconds:.1f} s" if seconds < 60 else f"{seconds / 60:,.0f} min"
