"""The live view and the summary: what they say, and that they run on trio's clock."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Callable, Iterator

import attrs
import pytest
import structlog
import trio
from rich.console import Console

from tick_logger.ops.status.snapshot import ExchangeNumbers, Snapshot
from tick_logger.ops.terminal.display import present
from tick_logger.ops.terminal.summary import run_summary
from tick_logger.ops.terminal.view import picture, run_view
from tick_logger.telemetry.levels import Levels
from tick_logger.telemetry.logs import configure

BEFORE = Snapshot(
    100.0,
    {"a_very_long_name": ExchangeNumbers(messages=1_000, rows=500), "beta": ExchangeNumbers()},
)
AFTER = Snapshot(
    102.0,
    {
        "a_very_long_name": ExchangeNumbers(
            connections_up=9,
            connections_wanted=10,
            symbols=200,
            symbols_left_out=1_234,
            messages=25_690,
            rows=2_500,
            seconds_since_data=0.42,
            reconnects=7,
            gaps=3,
            late=12,
            dropped=45_678,
        ),
        "beta": ExchangeNumbers(connections_up=1, connections_wanted=1, symbols=4),
    },
)


@pytest.fixture(autouse=True)
def _leave_no_trace() -> Iterator[None]:
    yield
    structlog.reset_defaults()


PLACES = {"data path": "./data", "status page": "http://127.0.0.1:9090"}


def drawn(width: int, *warnings: str, height: int = 24, now: Snapshot = AFTER) -> list[str]:
    """The lines of the picture on a screen of so many columns and lines."""
    console = Console(record=True, width=width, file=io.StringIO())
    console.print(picture(BEFORE, now, PLACES, warnings, width, height=height))
    return [line.rstrip() for line in console.export_text().splitlines()]


def test_picture() -> None:
    """One row per exchange, a total, what was left out, the path and the newest warnings."""
    lines = drawn(100, "12:00:01 gaps holes=3", "12:00:02 [red]lost[/red]")
    assert [line.split() for line in lines] == [
        ["up/", "last", "recon-"],
        [
            *("exchange", "wanted", "symbols", "msg/s", "rows/s", "data"),
            *("nects", "gaps", "late", "dropped"),
        ],
        ["─" * len(lines[2])],
        [
            "a_very_long_name",
            "9/10",
            "200",
            "12,345",
            "1,000",
            "0.4",
            "s",
            "7",
            "3",
            "12",
            "45,678",
        ],
        ["beta", "1/1", "4", "0", "0", "-", "0", "0", "0", "0"],
        [],
        ["total", "10/11", "204", "12,345", "1,000", "0.4", "s", "7", "3", "12", "45,678"],
        [
            "a_very_long_name:",
            "1,234",
            "symbols",
            "left",
            "out:",
            "its",
            "connections",
            "are",
            "full",
        ],
        ["data", "path", "./data"],
        ["status", "page", "http://127.0.0.1:9090"],
        ["12:00:01", "gaps", "holes=3"],
        ["12:00:02", "[red]lost[/red]"],
    ]


def test_open_holes_stand_below_those_that_are_over() -> None:
    """Of an exchange, and of all."""
    numbers = {"a": ExchangeNumbers(gaps=3, holes_open=12), "b": ExchangeNumbers(gaps=1)}
    now = Snapshot(0.0, numbers)
    console = Console(record=True, width=80, file=io.StringIO())
    console.print(picture(now, now, {}, (), 80))
    lines = [line.split() for line in console.export_text().splitlines()]
    assert [line for line in lines if "open" in line] == [["+12", "open"], ["+12", "open"]]
    assert [line[-3] for line in lines if line[:1] in (["a"], ["b"], ["total"])] == ["3", "1", "4"]


def test_holes_that_heal_stand_below_as_well() -> None:
    """How many the exchange is still to be asked about, and how many it has filled."""
    now = Snapshot(0.0, {"a": ExchangeNumbers(gaps=3, holes_waiting=2, holes_filled=1)})
    console = Console(record=True, width=80, file=io.StringIO())
    console.print(picture(now, now, {}, (), 80))
    lines = [line.split() for line in console.export_text().splitlines()]
    assert lines.count(["2", "to", "fill"]) == lines.count(["1", "filled"]) == 2


def test_picture_of_trouble() -> None:
    """Why the recording is not safe stands right under the table."""
    console = Console(record=True, width=100, file=io.StringIO())
    reason = "the journal cannot be written: No space left on device"
    troubled = attrs.evolve(AFTER, troubles=(reason,))
    console.print(picture(BEFORE, troubled, PLACES, (), 100))
    assert console.export_text().splitlines()[7].strip() == f"not ready: {reason}"


@pytest.mark.parametrize(("ended", "text"), [(False, "33m *0/9"), (True, "2m *-")])
def test_nothing_is_connected(ended: bool, text: str) -> None:
    """Which is trouble, and yellow, until it is what was asked for."""
    numbers = ExchangeNumbers(connections_wanted=9, rows=1_000)
    snapshot = Snapshot(100.0, {"alpha": numbers})
    console = Console(width=100, file=io.StringIO(), record=True, force_terminal=True)
    console.print(picture(snapshot, snapshot, PLACES, (), 100, ended=ended))
    assert re.search(rf"\x1b\[{text}\x1b", console.export_text(styles=True))


def test_picture_fits_a_narrow_terminal() -> None:
    """In 80 columns nothing is cut but a long warning: it takes one line, and keeps its end."""
    lines = drawn(80, "w" * 199 + "!", height=11)
    assert max(map(len, lines)) <= 80
    assert len(lines) == 11
    assert [line.split() for line in lines[3:]] == [
        line.split() for line in drawn(100, "w" * 39 + " … " + "w" * 37 + "!")[3:]
    ]
    assert [line.split() for line in lines[:2]] == [line.split() for line in drawn(100)[:2]]
    assert lines[-1] == "w" * 39 + " … " + "w" * 37 + "!"


@pytest.mark.parametrize("width", [30, 40, 50, 60, 69, 73])
def test_a_very_narrow_terminal_shows_less(width: int) -> None:
    """Whole figures in one line for each exchange, and no heading in pieces."""
    lines = drawn(width, "12:00:01 gaps exchange=beta holes=3 streams=['BTC-USD TRADES'] ids=17")
    assert max(map(len, lines)) <= width
    (row,) = (line for line in lines if line.startswith("a_ver") and "9/10" in line)
    assert {"9/10", "1,000", "3"} <= set(row.split())
    assert sum("total" in line for line in lines) == 1


def test_picture_of_a_long_silence() -> None:
    """Minutes instead of ever more seconds."""
    console = Console(record=True, width=100, file=io.StringIO())
    for seconds, text in ((59.94, " 59.9 s "), (60.0, " 1 min "), (7200.0, " 120 min ")):
        silent = Snapshot(0.0, {"a_very_long_name": ExchangeNumbers(seconds_since_data=seconds)})
        console.print(picture(silent, silent, PLACES, (), 100))
        assert text in console.export_text()


class Source:
    """Counts up ten messages per second of trio's clock."""

    def __init__(self) -> None:
        self.taken: list[float] = []

    def __call__(self) -> Snapshot:
        now = trio.current_time()
        self.taken.append(now)
        numbers = ExchangeNumbers(messages=round(10 * now), symbols=len(self.taken))
        return Snapshot(now, {"a_very_long_name": numbers})


def screen() -> Console:
    return Console(file=io.StringIO(), width=100, force_terminal=True, color_system=None)


def text_of(console: Console) -> str:
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


async def test_view_redraws_every_half_second_and_once_at_the_end(
    autojump_clock: trio.testing.MockClock,
) -> None:
    """Rates are those of the last three seconds; the last figures stay on the screen."""
    source, console = Source(), screen()
    start = trio.current_time()
    with trio.move_on_after(4.25):
        await run_view(source, console=console, places=PLACES)
    assert [taken - start for taken in source.taken] == [
        *(0, 0.5, 1, 1.5, 2, 2.5, 3, 3.5, 4),
        4.25,
    ]
    last = text_of(console).rsplit("exchange", 1)[1]
    assert [line.split()[:4] for line in last.splitlines() if "a_very_long_name" in line] == [
        ["a_very_long_name", "-", "10", "-"]
    ]


async def test_view_shows_warnings_as_they_come(autojump_clock: trio.testing.MockClock) -> None:
    """The collection is read anew each time."""
    console, warnings = screen(), ["first"]
    async with trio.open_nursery() as nursery:

        async def view() -> None:
            await run_view(Source(), console=console, places=PLACES, warnings=warnings)

        nursery.start_soon(view)
        await trio.sleep(0.1)
        assert "first" in text_of(console)
        assert "second" not in text_of(console)
        warnings.append("second")
        await trio.sleep(0.5)
        assert "second" in text_of(console)
        nursery.cancel_scope.cancel()


def lines_of(stream: io.StringIO) -> list[dict[str, object]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


async def test_summary_says_one_line_a_minute(autojump_clock: trio.testing.MockClock) -> None:
    """With the rates of that minute, in total and for each exchange."""
    stream = io.StringIO()
    configure(Levels(), stream=stream)
    with trio.move_on_after(130):
        await run_summary(Source())
    first, second = lines_of(stream)
    numbers = {
        "connections_up": 0,
        "connections_wanted": 0,
        "symbols": 3,
        "symbols_left_out": 0,
        "messages_per_second": 10.0,
        "rows_per_second": 0.0,
        "seconds_since_data": None,
        "reconnects": 0,
        "gaps": 0,
        "holes_open": 0,
        "holes_waiting": 0,
        "holes_filled": 0,
        "stopped_symbols": 0,
        "stopped_secs": 0.0,
        "late": 0,
        "dropped": 0,
    }
    assert first["symbols"] == 2
    assert {key: second[key] for key in numbers} == numbers
    assert second["exchanges"] == {"a_very_long_name": numbers}
    assert second["event"] == "summary"


@pytest.mark.parametrize(
    ("console", "views", "lines"),
    [
        (screen, 1, 0),
        (lambda: Console(file=io.StringIO()), 0, 1),
    ],
)
async def test_presented_by_a_view_or_by_lines(
    autojump_clock: trio.testing.MockClock, console: Callable[[], Console], views: int, lines: int
) -> None:
    """The view on a terminal, else the summary."""
    stream = io.StringIO()
    logs = configure(Levels(), stream=stream)
    shown = console()
    with trio.move_on_after(61):
        await present(Source(), console=shown, logs=logs, places=PLACES)
    assert ("data path ./data" in text_of(shown)) is bool(views)
    assert len(lines_of(stream)) == lines


def test_what_is_configured_and_not_listed_is_counted_below() -> None:
    """The status page names it."""
    numbers = ExchangeNumbers(connections_up=1, connections_wanted=1, symbols_not_listed=2)
    console = Console(record=True, width=100, file=io.StringIO())
    console.print(picture(BEFORE, Snapshot(102.0, {"beta": numbers}), {}, (), 100))
    assert "beta: 2 configured symbols are not listed" in console.export_text().splitlines()[-1]
