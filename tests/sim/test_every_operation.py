"""One small story, in which each operation of its first life on the disk goes wrong in turn.

Drawn stories are long and hit what they happen to hit; this one is short and leaves nothing out.
The power goes after every life, also after one that ended in order, unless it is said otherwise.
"""

from __future__ import annotations

import errno
from random import Random

import attrs
import pytest

from tests.fakes.sim_disk import SYNCS, Kind
from tests.sim.disk import StoryDisk
from tests.sim.oracle import judge
from tests.sim.small import KEPT, STORIES, Disk, first_life, numbers
from tests.sim.world import World, tell
from tick_logger import exit_codes

THRICE = (KEPT.lives[0], *KEPT.lives)
"""The lives of a story in which two processes die."""

PARTS = 5
"""Of the operations of a story: every fifth one is tried at each change, the others seldom."""

EACH_PART = pytest.mark.parametrize(
    "part", [0, *(pytest.param(part, marks=pytest.mark.seldom) for part in range(1, PARTS))]
)

FATAL = [
    ("lock", "journal/lock"),
    ("list", "binance/BTCUSDT/TRADES"),  # of a stream that is met for the first time
]
"""Operations whose failure ends the process, where they are first done."""

KILLS_STEP = 2
"""Of the operations, every second one."""

FIRST_SYNCS = 5
"""Of a process: of its journal with the two folders, a look, and then of everything."""

MOST_LATER = 40
"""How many operations after a failed sync the power may go."""

SAVE = 6
"""Operations of which a save of a checkpoint has five: everything is synced, then the slot."""

POWER_CUTS_EACH = 2
"""For each failed sync, at different operations after it."""


def lived(name: str, number: int, disk: Disk, *, what: str, crash: Kind = "power") -> World:
    """The world after the story on this disk, on which something happens at an operation."""
    world = tell(STORIES[name], disk, crash)
    operation = first_life(name)[number - 1]
    where = f"{what} at operation {number} of the story '{name}': {' '.join(operation)}"
    assert disk.trace[number - 1] == operation, where
    verdict = judge(world)
    assert verdict.violations == [], where
    assert verdict.counts["rows"] > 0, where
    return world


class KilledFirst(Disk):
    """After the first life nothing is lost, and in the second the power goes at its first syncs.

    `later` is how many operations after the first one.
    """

    def __init__(self, number: int, later: int) -> None:
        super().__init__(number)
        self.later = later
        self._first = True

    def crash(self, rng: Random, kind: Kind = "power") -> None:
        super().crash(rng, "kill" if self._first else kind)
        if self._first:
            self._first = False
            self.aim("sync_file", "journal/*.tlj", self.later)


def test_the_story_has_everything() -> None:
    """What the tests below go through is not less than it was meant to be."""
    kept, removed = first_life("kept"), first_life("removed")
    assert {name for name, _ in kept} >= {"lock", "append", "truncate", "remove", *SYNCS}
    assert kept.count(("sync", "")) == 4, "checkpoints"
    assert ("append", "journal/00000003.tlj") in kept
    assert ("remove", "journal/00000001.tlj") in removed
    assert len({path for _, path in kept if "/TRADES/trade_id." in path}) == 2, "days"


@pytest.mark.parametrize(
    ("name", "crash", "first", "step"),
    [
        ("kept", "power", 0, PARTS),
        *(
            pytest.param("kept", "power", part, PARTS, marks=pytest.mark.seldom)
            for part in range(1, PARTS)
        ),
        ("removed", "power", 1, 6),
        ("removed", "kill", 2, 6),
        pytest.param("removed", "power", 4, 6, marks=pytest.mark.seldom),
        pytest.param("removed", "kill", 5, 6, marks=pytest.mark.seldom),
    ],
)
def test_the_process_dies_at_any_operation(name: str, crash: Kind, first: int, step: int) -> None:
    """By a power cut or by a signal: the next life brings everything in order."""
    for number in numbers(name)[first::step]:
        disk = Disk(number)
        disk.power_cut_at(number)
        world = lived(name, number, disk, what=f"death by {crash}", crash=crash)
        assert world.processes[0].code is None, number


@EACH_PART
def test_the_power_goes_soon_after_a_kill(part: int) -> None:
    """What the first process had not synced is no safer because the second has read it."""
    story = attrs.evolve(KEPT, lives=THRICE)
    some = {
        (number, number // KILLS_STEP % FIRST_SYNCS) for number in numbers("kept")[::KILLS_STEP]
    }
    # What is met is logged before it is synced: a kill in between leaves what is not durable.
    logs = [n for n, (_, path) in enumerate(first_life("kept"), 1) if "/extents." in path]
    some |= {(number, later) for number in logs for later in range(FIRST_SYNCS)}
    for number, later in sorted(some)[part::PARTS]:
        disk = KilledFirst(number, later)
        disk.power_cut_at(number)
        world = tell(story, disk, "power")
        where = f"a kill at operation {number}, and a power cut {disk.later} after the next sync"
        assert judge(world).violations == [], where
        assert [process.code for process in world.processes] == [None, None, 0], where


@EACH_PART
def test_any_operation_fails_once(part: int) -> None:
    """It costs nothing, and few of them end the process, so that its supervisor starts another."""
    tried, ended = numbers("kept")[part::PARTS], []
    for number in tried:
        disk = Disk(number)
        disk.fail(number=errno.EIO, at=number)
        world = lived("kept", number, disk, what="EIO")
        if world.processes[0].code != 0:
            assert world.processes[0].code == exit_codes.STORAGE, number
            ended.append(number)
    assert ended == [n for n in map(_first, FATAL) if n in tried]


@EACH_PART
def test_space_runs_out_at_any_append(part: int) -> None:
    """And comes back: what was received meanwhile has waited for it."""
    for number in numbers("removed", "append")[part::PARTS]:
        disk = Disk(number)
        disk.fill_at(number)
        world = lived("removed", number, disk, what="ENOSPC")
        assert world.processes[0].code == 0, number


@EACH_PART
def test_any_sync_fails_and_the_power_goes_soon(part: int) -> None:
    """What a failed sync has lost is not taken for safe."""
    for number in numbers("removed", *SYNCS)[part::PARTS]:
        for later in Random(number).sample(range(1, MOST_LATER), POWER_CUTS_EACH):
            disk = Disk(number)
            disk.fail(number=errno.EIO, at=number)
            disk.power_cut_at(number + later)
            lived("removed", number, disk, what=f"a failed sync, {later} before a power cut,")


def test_a_sync_of_everything_fails_and_the_power_goes_in_the_next_save() -> None:
    """What it may have lost is not the only checkpoint while the other one is overwritten."""
    for number in numbers("removed", "sync"):
        rehearsal = Disk(number)
        rehearsal.fail(number=errno.EIO, at=number)
        lived("removed", number, rehearsal, what="a failed sync")
        begin = rehearsal.trace.index(("sync", ""), number) + 1
        for operation in range(begin, begin + SAVE):
            disk = Disk(number)
            disk.fail(number=errno.EIO, at=number)
            disk.power_cut_at(operation)
            lived("removed", number, disk, what=f"a power cut at {operation} after a failed sync")


def test_a_sync_that_is_left_out_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """Somewhere on the way through the story a power cut shows it."""
    whole = first_life("kept")
    for name in SYNCS:
        with monkeypatch.context() as patch:
            patch.setattr(StoryDisk, name, lambda *_: None)
            assert any(_breaks_a_promise(number) for number in range(1, len(whole), 5)), name


def _first(operation: tuple[str, str]) -> int:
    """Its number where the first life does it first."""
    return first_life("kept").index(operation) + 1


def _breaks_a_promise(number: int) -> bool:
    """Whether a power cut at this operation does."""
    disk = Disk(number)
    disk.power_cut_at(number)
    try:
        return judge(tell(KEPT, disk, "power")).violations != []
    except ValueError:  # a column that ends within a value cannot even be read
        return True
