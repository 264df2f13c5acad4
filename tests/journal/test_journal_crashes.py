"""The journal over many lives: processes are killed, disks lose what was not synced."""

from __future__ import annotations

import contextlib
import errno
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fakes.sim_disk import Kind, PowerCut, SimDisk
from tests.journal.journals import NOW_NS, SMALL_BYTES, read
from tick_logger.journal.journal import Journal

FAILING = ("append", "truncate", "remove", "exists", "sync_file", "sync_folder")


class World:
    """One disk, what was ever accepted, and what must be there after the next crash."""

    def __init__(self, seed: int) -> None:
        self.rng = Random(seed)
        self.disk = SimDisk(Random(seed + 1))
        self.truth: list[bytes] = []
        self.durable = 0  # so many frames were said to be durable
        self.written = 0  # so many frames were said to survive the process
        self.lives = 0

    def begin(self) -> Journal:
        """Start a process: it reads everything, and continues with a new segment."""
        frames, reader = read(self.disk)
        assert reader.damages == []
        assert frames == list(enumerate(self.truth[: len(frames)], 1))
        assert len(frames) >= self.durable
        del self.truth[len(frames) :]
        self.lives += 1
        return Journal(
            self.disk,
            next_seq=len(frames) + 1,
            segment=reader.last_segment + 1,
            segment_bytes=SMALL_BYTES,
        )

    def live(self, writer: Journal, steps: int) -> None:
        """Accept, write and sync; what fails is tried again at a later step."""
        for _ in range(steps):
            for _ in range(self.rng.randint(0, 3)):
                # Other bytes in each life: a frame of the wrong one is noticed.
                body = b"%d %d " % (self.lives, writer.next_seq) + self.rng.randbytes(20)
                self.truth.append(body)
                writer.accept(body)
            try:
                writer.write(NOW_NS)
                self.written = max(self.written, writer.written_seq - 1)
                if self.rng.random() < 0.5:
                    writer.sync()
            except OSError:
                pass
            self.durable = max(self.durable, writer.durable_seq - 1)
            self.written = max(self.written, writer.written_seq - 1)

    def crash(self, kind: Kind) -> None:
        """End the process, and with "power" the un-synced part of the disk."""
        self.disk.heal()
        self.disk.crash(self.rng, kind)
        if kind == "kill":
            frames, reader = read(self.disk)
            assert reader.damage is None
            assert len(frames) >= self.written
        self.written = self.durable


def end_by_power_cut(world: World, operation: int) -> bool:
    """Live until the power is cut in the middle of an operation; whether it came to that."""
    writer = world.begin()
    world.disk.power_cut_at(world.disk.operations + operation)
    try:
        world.live(writer, 8)
    except PowerCut:
        return True
    return False


def test_power_may_be_cut_in_any_operation() -> None:
    """What was durable is there, nothing is taken for damage, and the next process goes on."""
    for seed in range(5):
        operation, was_cut = 0, True
        while was_cut:
            operation += 1
            world = World(seed)
            world.live(world.begin(), 3)
            world.crash("kill")
            was_cut = end_by_power_cut(world, operation)
            world.crash("power")
            world.live(world.begin(), 3)
            world.crash("power")
            world.begin()
        assert operation > 12


def test_a_process_may_die_in_any_operation() -> None:
    """Everything that was written is there."""
    for seed in range(5):
        operation, was_cut = 0, True
        while was_cut:
            operation += 1
            world = World(seed)
            was_cut = end_by_power_cut(world, operation)
            world.crash("kill")
            world.live(world.begin(), 3)
            world.crash("power")
            world.begin()
        assert operation > 12


LIFE = st.tuples(
    st.integers(1, 10),  # steps
    st.lists(
        st.tuples(st.sampled_from(FAILING), st.integers(1, 25), st.integers(1, 3)), max_size=4
    ),
    st.sampled_from(["kill", "power"]),
    st.integers(0, 30),  # the operation in which the power is cut; 0: none
)


@settings(max_examples=100)
@given(st.integers(0, 2**32), st.lists(LIFE, min_size=1, max_size=5))
def test_any_history(
    seed: int, lives: list[tuple[int, list[tuple[str, int, int]], Kind, int]]
) -> None:
    """Whatever fails in whichever process, and however these end."""
    world = World(seed)
    for steps, faults, kind, cut in lives:
        writer = world.begin()
        for operation, at, times in faults:
            for later in range(times):
                number = world.disk.operations + at + later
                world.disk.fail(operation, number=errno.EIO, at=number)
        if cut:
            world.disk.power_cut_at(world.disk.operations + cut)
        with contextlib.suppress(PowerCut):
            world.live(writer, steps)
        world.crash(kind)
    world.begin()


@settings(max_examples=60)
@given(st.integers(0, 2**32), st.integers(0, 2000), st.booleans())
def test_a_full_disk_in_any_history(seed: int, capacity_bytes: int, killed: bool) -> None:
    """Everything is written when there is room again, if the process lives to see it."""
    world = World(seed)
    writer = world.begin()
    world.disk.capacity_bytes = capacity_bytes
    world.live(writer, 12)
    world.disk.heal()
    if not killed:
        for _ in range(2):  # the first may have to abandon a segment
            try:
                writer.write(NOW_NS)
                writer.sync()
            except OSError:
                continue
        assert writer.durable_seq == len(world.truth) + 1
        world.durable = len(world.truth)
    world.crash("kill" if killed else "power")
    world.begin()


def test_every_start_gives_the_same_frames() -> None:
    """What is read from the middle is what is read from the beginning, in any history."""
    for seed in range(25):
        world = World(seed)
        for _ in range(4):
            writer = world.begin()
            at = world.disk.operations + world.rng.randint(1, 20)
            world.disk.fail(
                "sync_file", "truncate", number=errno.EIO, times=world.rng.randint(0, 3)
            )
            world.disk.fail("append", number=errno.EIO, at=at)
            world.live(writer, 6)
            world.crash(world.rng.choice(["kill", "power"]))
        whole, _ = read(world.disk)
        for from_seq in range(1, len(whole) + 2):
            frames, reader = read(world.disk, from_seq)
            assert (frames, reader.damage) == (whole[from_seq - 1 :], None)
