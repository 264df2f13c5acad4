"""One byte of the journal changes between two lives: it is noticed, or it makes no difference.

A start that refuses has left the journal as it was, and once the byte is repaired the next one goes
on as if nothing had been.  A start that goes on has no row that is invented, wrong or doubled.
"""

from __future__ import annotations

import re
from fnmatch import fnmatchcase
from random import Random

import attrs
import pytest

from tests.fakes.sim_disk import Kind
from tests.sim.oracle import judge
from tests.sim.plan import Life
from tests.sim.small import KEPT, STORIES, Disk, first_life
from tests.sim.world import World, tell
from tick_logger import exit_codes
from tick_logger.storage.journal_layout import CHECKPOINT_PATHS

LIVES = (KEPT.lives[0], Life(0.8, "stop", 0.5), Life(0.8, "stop"))
"""The first dies, the second meets the change, the third has it repaired if the second refused."""

DEATHS: tuple[Kind, ...] = ("power", "kill")

DRAWS = {"journal/*.tlj": 60, "journal/checkpoint.*": 40}
"""By kind of file, how often it is tried."""

NEWEST = 2
"""So many files it may be: a start seldom reads an older segment, and there are no more slots."""

LOST = r"binance BTCUSDT TRADES: \d+ were received and are lost: "
"""After a change in the last frames, which are taken for a torn end, and make a gap.

That it is in one is for the oracle to say.  What lies behind tells that earlier ones were durable.
"""

SPARED = r"replayed: journal/\d{8}\.tlj is damaged or missing "
"""What a checkpoint has spared the recorder is read by the oracle, which has no checkpoint."""


SAVING = {
    (operation, slot)
    for operation in ("truncate", "append", "sync_file")
    for slot in CHECKPOINT_PATHS
}
"""What a save does to a slot: if it ends there, only the other slot is valid."""


@attrs.frozen
class Change:
    """A byte that is `is_now` and was `was`."""

    path: str
    offset: int
    was: int
    is_now: int


class RottingDisk(Disk):
    """After the first life a byte changes in one of the files like `pattern`, if there is any.

    It is put right after the second life if that refused, which the journal tells: whoever goes on
    writes to it.
    """

    def __init__(self, draw: int, pattern: str) -> None:
        super().__init__(draw)
        self._chance = Random(f"rot {draw}")
        self._pattern = pattern
        self._lives = 0
        self.change: Change | None = None
        self._synced: dict[str, list[int]] = {}  # by segment, its sizes in the first life
        self.journals: list[dict[str, bytes]] = []  # after the change, and after the second life

    def crash(self, rng: Random, kind: Kind = "power") -> None:
        self._lives += 1
        if self._lives == 2:
            self.journals.append(self._journal())
        super().crash(rng, kind)
        if self._lives == 1:
            self._rot()
            self.journals.append(self._journal())
        elif self._lives == 2 and self.is_as_it_was:
            self._repair()

    def sync_file(self, path: str) -> None:
        super().sync_file(path)
        if not self._lives and fnmatchcase(path, "journal/*.tlj"):
            self._synced.setdefault(path, []).append(len(self.contents[path]))

    @property
    def is_proven(self) -> bool:
        """Whether the change lies before what was written, and made durable, after a sync of it."""
        if self.change is None or self.change.path not in self._synced:
            return False
        sizes = self._synced[self.change.path]
        has_successor = any(
            path > self.change.path and path in self.contents for path in self._synced
        )
        proven = sizes[-1] if has_successor else max((s for s in sizes if s < sizes[-1]), default=0)
        return self.change.offset < proven

    @property
    def is_as_it_was(self) -> bool:
        """Whether the second life has left the journal alone."""
        return self.journals[0] == self.journals[1]

    def _journal(self) -> dict[str, bytes]:
        """What is in the journal's folder, but for the lock and the copies of what is damaged."""
        return {
            path: bytes(content)
            for path, content in self.contents.items()
            if fnmatchcase(path, "journal/*")
            and not fnmatchcase(path, "journal/damaged/*")
            and path != "journal/lock"
        }

    def _rot(self) -> None:
        paths = [
            p for p, content in self.contents.items() if fnmatchcase(p, self._pattern) and content
        ]
        if paths:
            path = self._chance.choice(sorted(paths)[-NEWEST:])
            content = self.contents[path]
            offset = self._chance.randrange(len(content))
            was = content[offset]
            content[offset] ^= self._chance.randrange(1, 256)
            self.change = Change(path, offset, was, content[offset])

    def _repair(self) -> None:
        if self.change is not None:
            self.contents[self.change.path][self.change.offset] = self.change.was


def rotten(draw: int, pattern: str) -> tuple[World, RottingDisk, str, bool]:
    """The world of this draw after its story, its disk, and what was done to it.

    Last: whether the first life ended while it saved a checkpoint, which leaves one slot.
    """
    chance = Random(f"{pattern} {draw}")
    name, crash = chance.choice(sorted(STORIES)), chance.choice(DEATHS)
    operations = first_life(name)
    made = next(at for at, (_, path) in enumerate(operations, 1) if fnmatchcase(path, pattern))
    number = chance.randint(made + 1, len(operations))
    disk = RottingDisk(draw, pattern)
    disk.power_cut_at(number)
    world = tell(attrs.evolve(STORIES[name], lives=LIVES), disk, crash)
    where = f"death by {crash} at operation {number} of the story '{name}', then {disk.change}"
    return world, disk, where, operations[number - 1] in SAVING


@pytest.mark.parametrize("pattern", DRAWS)
def test_a_changed_byte_is_never_believed(pattern: str) -> None:
    """Not in a segment, where it may cost what is in a gap record then; nor in a slot, for free."""
    changed, refused = 0, 0
    for draw in range(DRAWS[pattern]):
        world, disk, where, in_save = rotten(draw, pattern)
        code = world.processes[1].code
        assert code in (0, exit_codes.STORAGE), where
        assert disk.is_as_it_was == (code == exit_codes.STORAGE), where
        accepted = "(?!)"
        if code == 0 and pattern.endswith(".tlj"):
            accepted = SPARED if disk.is_proven else f"{SPARED}|{LOST}"
        left = [each for each in judge(world).violations if not re.match(accepted, each)]
        assert left == [], where
        changed += disk.change is not None
        refused += code == exit_codes.STORAGE
        assert code == 0 or pattern.endswith(".tlj") or in_save, f"one slot is left: {where}"
    assert changed >= 0.9 * DRAWS[pattern], "else the draws miss the files"
    assert refused > 0 or not pattern.endswith(".tlj"), "damage in a segment is to be seen"
