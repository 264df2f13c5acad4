"""What the terminal says of exchanges that cannot be reached: the reason whole, however narrow."""

from __future__ import annotations

import io
import re

import attrs
import pytest
from rich.console import Console

from tests.ops.terminal.test_view import PLACES, drawn
from tick_logger.model.connections import OFFLINE, Unreachable
from tick_logger.ops.status.snapshot import ExchangeNumbers, Snapshot
from tick_logger.ops.terminal.view import picture

UNKNOWN = Unreachable(
    since_ns=1_790_078_400 * 10**9,
    place="wss://feed.example",
    step="DNS",
    reason="DNS: Name or service not known",
    what_to_do="see whether this machine is online",
)
REFUSED = attrs.evolve(
    UNKNOWN,
    place="https://api.example/list",
    step="HTTP",
    reason="HTTP 451 Unavailable For Legal Reasons: not in your region, says the exchange",
    what_to_do="set another endpoint",
)
SINCE = "since 2026-09-22 12:00:00 UTC"
NOBODY = ExchangeNumbers()
SOME = ExchangeNumbers(connections_up=1, connections_wanted=1)


def now(**unreachable: Unreachable | None) -> Snapshot:
    """Exchanges that are well where nothing is given."""
    numbers = {name: NOBODY if why else SOME for name, why in unreachable.items()}
    return Snapshot(102.0, numbers, unreachable=unreachable)


def below(snapshot: Snapshot, width: int = 80, height: int = 24) -> list[str]:
    """The lines below the table and above the places."""
    lines = drawn(width, now=snapshot, height=height)
    total = next(at for at, line in enumerate(lines) if line.lstrip().startswith("total"))
    return lines[total + 1 : next(at for at, line in enumerate(lines) if "data path" in line)]


def test_offline() -> None:
    """No exchange is to blame: they stand together, once, below the question."""
    snapshot = now(alpha=UNKNOWN, beta=UNKNOWN)
    assert below(snapshot) == [
        OFFLINE,
        f"alpha, beta: DNS: Name or service not known, {SINCE}",
        "  see whether this machine is online",
    ]


def test_each_reason_stands_alone() -> None:
    """With its address, and what to do about it; one that is connected is not named."""
    snapshot = now(alpha=UNKNOWN, beta=REFUSED, gamma=None)
    assert below(snapshot, 200) == [
        f"alpha: DNS: Name or service not known (wss://feed.example), {SINCE}",
        "  see whether this machine is online",
        f"beta: {REFUSED.reason} (https://api.example/list), {SINCE}",
        "  set another endpoint",
    ]


@pytest.mark.parametrize("width", [30, 40, 60, 80])
def test_no_word_of_a_reason_is_cut(width: int) -> None:
    """It wraps between words."""
    said = " ".join(" ".join(below(now(alpha=REFUSED), width)).split())
    assert REFUSED.reason in said


def test_a_way_that_fails_beside_open_connections_is_not_shown() -> None:
    """Nothing is missing meanwhile."""
    assert below(Snapshot(102.0, {"alpha": SOME}, unreachable={"alpha": REFUSED})) == []


def test_where_all_have_no_room_each_has_one_line() -> None:
    """With the beginning of its reason; none is below the end of the screen."""
    reasons = {
        f"venue{number}": attrs.evolve(REFUSED, reason=f"HTTP 45{number} refused: {'words ' * 40}")
        for number in range(6)
    }
    found = drawn(80, "12:00:00 connect_failed", now=now(**reasons))
    assert len(found) <= 24
    shown = [line for line in found if line.startswith("venue") and "HTTP" in line]
    assert [line.partition(" refused")[0] for line in shown] == [
        f"venue{number}: HTTP 45{number}" for number in range(6)
    ]
    assert all(len(line) <= 80 and line.endswith("…") for line in shown)


def test_nothing_of_it_is_shown_at_the_end() -> None:
    """The last words say it."""
    console = Console(record=True, width=80, file=io.StringIO())
    snapshot = now(alpha=UNKNOWN)
    console.print(picture(snapshot, snapshot, PLACES, (), 80, ended=True))
    assert "DNS" not in console.export_text()


def test_an_exchange_that_is_not_there_yet_is_no_plain_white() -> None:
    """Also before anything is wanted of it."""
    console = Console(width=100, file=io.StringIO(), record=True, force_terminal=True)
    snapshot = now(alpha=UNKNOWN)
    console.print(picture(snapshot, snapshot, PLACES, (), 100))
    assert re.search(r"\x1b\[33m *0/0\x1b", console.export_text(styles=True))


def test_log_lines_give_way_on_a_low_screen() -> None:
    """The oldest first; what cannot be reached stays; where there is room they take two lines."""
    lines = [f"12:00:0{second} {'word ' * 20}end{second}" for second in range(3)]
    for height, shown in ((24, 3), (15, 3), (14, 2), (13, 1), (12, 0), (5, 0)):
        text = "\n".join(drawn(80, *lines, height=height, now=now(alpha=UNKNOWN)))
        assert [f"end{second}" in text for second in range(3)] == [
            second >= 3 - shown for second in range(3)
        ]
        assert "DNS: Name or service not known" in text


@pytest.mark.parametrize("event", ["ready", "reached", "online"])
def test_what_is_well_again_is_green(event: str) -> None:
    """So that a trouble is not the last word."""
    console = Console(width=100, file=io.StringIO(), record=True, force_terminal=True)
    lines = (f"12:00:00 not_{event} component=journal", f"12:00:09 {event} component=journal")
    console.print(picture(now(alpha=None), now(alpha=None), PLACES, lines, 100))
    text = console.export_text(styles=True)
    assert f"\x1b[33m{lines[0]}" in text
    assert f"\x1b[32m{lines[1]}" in text
