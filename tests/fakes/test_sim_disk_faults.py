"""The simulated disk fails and dies when it is told to, and so that it can be repeated."""

from __future__ import annotations

import errno
from collections.abc import Callable
from random import Random

import pytest

from tests.fakes.power_cuts import Steps, disk_after, survivors, with_old
from tests.fakes.sim_disk import SYNCS, WRITES, PowerCut, SimDisk

# -- syncs that fail ------------------------------------------------------------------------------


@pytest.mark.parametrize("operation", ["sync", "sync_file"])
def test_after_a_failed_sync_a_success_proves_nothing(operation: str) -> None:
    """The data looks as before and later syncs succeed, but a power cut leaves zeros."""

    def steps(disk: SimDisk) -> None:
        with_old(disk, "x")
        disk.append("x", b"lost")
        disk.fail(operation, number=errno.EIO, times=1)
        with pytest.raises(OSError, match="error"):
            disk.sync() if operation == "sync" else disk.sync_file("x")
        disk.append("x", b"good")
        disk.sync_file("x")
        disk.sync()
        assert disk.read("x") == b"oldlostgood"

    assert survivors(steps) == {b"old\0\0\0\0good"}


def test_what_is_written_again_after_a_failed_sync_is_good() -> None:
    """Cut back and appended anew, the data can be synced; so can a copy of it."""

    def steps(disk: SimDisk) -> None:
        with_old(disk, "x")
        disk.append("x", b"1234")
        disk.fail("sync_file", number=errno.EIO, times=1)
        with pytest.raises(OSError, match="error"):
            disk.sync_file("x")
        disk.truncate("x", 5)
        disk.append("x", b"new")
        disk.append("copy", disk.read("x"))
        disk.sync()

    assert survivors(steps, "x") == {b"old\0\0new"}
    assert survivors(steps, "copy") == {b"old12new"}


def test_what_a_failed_sync_lost_does_not_come_back_by_an_undone_cut() -> None:
    """Cutting it off and losing the cut leaves the zeros that were on the disk."""

    def steps(disk: SimDisk) -> None:
        with_old(disk, "x")
        disk.append("x", b"1")
        disk.fail("sync_file", number=errno.EIO, times=1)
        with pytest.raises(OSError, match="error"):
            disk.sync_file("x")
        disk.sync_file("x")
        disk.truncate("x", 3)

    assert survivors(steps) == {b"old", b"old\0"}


def test_a_failed_sync_of_all_spares_some() -> None:
    """Which files it has reached before it failed, nobody knows; not all of them."""

    def steps(disk: SimDisk) -> None:
        with_old(disk, "x", "y", "z")
        for path in "xyz":
            disk.append(path, b"!")
        disk.fail("sync", number=errno.EIO, times=1)
        with pytest.raises(OSError, match="error"):
            disk.sync()
        disk.sync()

    disks = [disk_after(steps, cut=0, disk_seed=seed) for seed in range(50)]
    found = {b"".join(bytes(disk.contents[path][3:]) for path in "xyz") for disk in disks}
    assert found == {b"\0\0\0", b"!\0\0", b"\0!\0", b"!!\0"}


# -- the process dies -----------------------------------------------------------------------------


def test_power_is_cut_in_the_middle_of_an_append() -> None:
    """Any first part is written; a kill shows it, for it loses nothing else."""
    found = set()
    for seed in range(50):
        disk = SimDisk(Random(seed))
        disk.append("x", b"old")
        disk.power_cut_at(2)
        with pytest.raises(PowerCut, match="operation 2: append x"):
            disk.append("x", b"new")
        disk.crash(Random(0), "kill")
        found.add(disk.read("x"))
    assert found == {b"old", b"oldn", b"oldne", b"oldnew"}


def test_power_is_cut_in_the_middle_of_a_sync() -> None:
    """Some of the files are durable, others as if there had been no sync."""

    def steps(disk: SimDisk) -> None:
        with_old(disk, "x", "y", "z")
        for path in "xyz":
            disk.append(path, b"!")
        disk.power_cut_at(disk.operations + 1)
        with pytest.raises(PowerCut):
            disk.sync()

    found = set()
    for seed in range(20):
        left = {path: survivors(steps, path, disk_seed=seed, cuts=range(60)) for path in "xyz"}
        assert all(each in ({b"old!"}, {b"old", b"old\0", b"old!"}) for each in left.values())
        found.add("".join(path for path in "xyz" if left[path] == {b"old!"}))
    assert found == {"", "x", "y", "xy"}


@pytest.mark.parametrize(
    ("operation", "before", "after"),
    [
        (lambda disk: disk.truncate("x", 1), b"old", b"o"),
        (lambda disk: disk.remove("x"), b"old", None),
    ],
)
def test_power_is_cut_at_another_write(operation: Steps, before: bytes, after: bytes) -> None:
    """It is done or it is not."""
    found = set()
    for seed in range(20):
        disk = SimDisk(Random(seed))
        with_old(disk, "x")
        disk.power_cut_at(disk.operations + 1)
        with pytest.raises(PowerCut):
            operation(disk)
        disk.crash(Random(0), "kill")
        found.add(bytes(disk.contents["x"]) if "x" in disk.contents else None)
    assert found == {before, after}


def test_the_dead_do_nothing() -> None:
    """Every operation tells so and changes nothing, until the next process begins."""
    disk = SimDisk()
    with_old(disk, "x")
    disk.lock("lock")
    disk.power_cut_at(disk.operations + 1)
    operations: list[Callable[[], object]] = [
        lambda: disk.size("x"),  # this one dies
        disk.prepare,
        lambda: disk.append("x", b"!"),
        lambda: disk.truncate("x", 0),
        lambda: disk.remove("x"),
        lambda: disk.lock("other"),
        lambda: disk.exists("nothing"),
        lambda: disk.read("nothing"),
        lambda: disk.list(),
        disk.sync,
        lambda: disk.sync_file("nothing"),
        lambda: disk.sync_folder("nothing"),
    ]
    for operation in operations:
        with pytest.raises(PowerCut):
            operation()
    disk.close()
    assert disk.operations == 4
    disk.crash(Random(0), "kill")
    assert disk.contents == {"x": b"old", "lock": b"1\n"}
    disk.lock("lock")
    assert disk.operations == 5


def test_counts_go_on_and_syncs_are_noted() -> None:
    """By their numbers, so that a cut can be aimed right before and after them."""
    disk = SimDisk()
    disk.append("a/x", b"1")
    disk.sync_file("a/x")
    disk.append("a/x", b"2")
    disk.sync_folder("a")
    disk.crash(Random(0))
    disk.sync()
    assert disk.operations == 5
    assert disk.sync_points == [2, 4, 5]
    with pytest.raises(AssertionError, match="over"):
        disk.power_cut_at(5)


# -- faults ---------------------------------------------------------------------------------------


def test_the_nth_operation_fails_once() -> None:
    """Whatever it is; the others do not."""
    disk = SimDisk()
    disk.fail(number=errno.EIO, at=3)
    disk.append("x", b"1")
    disk.append("x", b"2")
    with pytest.raises(OSError, match="x") as caught:
        disk.read("x")
    assert caught.value.errno == errno.EIO
    assert disk.read("x") == b"12"


def test_operations_on_some_paths_fail_some_times() -> None:
    """As a pattern and a number say; cutting and removing do nothing when they fail."""
    disk = SimDisk()
    with_old(disk, "a/x", "b/x")
    disk.fail("truncate", "remove", number=errno.EIO, path="a/*", times=2)
    disk.truncate("b/x", 1)
    with pytest.raises(OSError, match="a/x"):
        disk.truncate("a/x", 1)
    with pytest.raises(OSError, match="a/x"):
        disk.remove("a/x")
    assert disk.contents == {"a/x": b"old", "b/x": b"o"}
    disk.remove("a/x")
    assert disk.contents == {"b/x": b"o"}


def test_a_failed_append_leaves_any_first_part() -> None:
    """Or not even a file."""
    found = set()
    for seed in range(50):
        disk = SimDisk(Random(seed))
        disk.fail("append", number=errno.ENOSPC)
        with pytest.raises(OSError, match="x") as caught:
            disk.append("x", b"new")
        assert caught.value.errno == errno.ENOSPC
        found.add(bytes(disk.contents["x"]) if "x" in disk.contents else None)
    assert found == {None, b"", b"n", b"ne", b"new"}


def test_a_disk_that_turned_read_only() -> None:
    """Nothing can be written or synced, everything read, until it is healed."""
    disk = SimDisk()
    with_old(disk, "x")
    disk.fail(*WRITES, *SYNCS, number=errno.EROFS)
    operations: list[Callable[[], None]] = [
        lambda: disk.append("x", b"!"),
        lambda: disk.truncate("x", 0),
        lambda: disk.remove("x"),
        lambda: disk.lock("lock"),
        disk.sync,
        lambda: disk.sync_file("x"),
        disk.sync_folder,
    ]
    for operation in operations:
        with pytest.raises(OSError, match="Read-only"):
            operation()
    assert disk.read("x")[:3] == b"old"
    disk.heal()
    disk.remove("x")
    disk.sync()


def test_a_full_disk() -> None:
    """As much is written as fits; cutting and removing make room, a crash counts anew."""
    disk = SimDisk(capacity_bytes=10)
    disk.append("x", b"12345678")
    with pytest.raises(OSError, match="space"):
        disk.append("y", b"1234")
    assert disk.contents == {"x": b"12345678", "y": b"12"}
    disk.truncate("x", 6)
    disk.append("y", b"34")
    disk.remove("y")
    disk.append("z", b"1234")
    disk.sync()
    disk.crash(Random(0))
    with pytest.raises(OSError, match="space"):
        disk.append("z", b"5")
    disk.heal()
    disk.append("z", b"5")
    assert disk.contents == {"x": b"123456", "z": b"12345"}


def test_what_a_power_cut_takes_makes_room() -> None:
    """Whatever is left, exactly the rest can be filled."""
    for cut in range(20):
        disk = SimDisk(capacity_bytes=100)
        disk.append("x", b"1" * 60)
        disk.crash(Random(cut))
        room = 100 - len(disk.contents.get("x", b""))
        disk.append("y", b"2" * room)
        with pytest.raises(OSError, match="space"):
            disk.append("y", b"3")


# -- all of it ------------------------------------------------------------------------------------


def do_anything(disk: SimDisk, rng: Random) -> None:
    """A random operation on one of a few files."""
    folder = rng.choice(["a", "a/b", "c"])
    path = f"{folder}/{rng.choice('uvw')}"
    match rng.choices([*WRITES[:3], *SYNCS], [20, 3, 1, 1, 3, 2])[0]:
        case "append":
            disk.append(path, rng.randbytes(rng.randint(0, 900)))
        case "truncate":
            disk.truncate(path, len(disk.contents.get(path, b"")) // 2)
        case "remove":
            disk.remove(path)
        case "sync":
            disk.sync()
        case "sync_file":
            disk.sync_file(path)
        case "sync_folder":
            disk.sync_folder(folder)


def stirred(seed: int) -> SimDisk:
    """A disk after a few hundred random operations, mishaps and crashes."""
    rng = Random(seed)
    disk = SimDisk(Random(seed + 1))
    disk.fail("sync_file", number=errno.EIO, at=rng.randint(1, 300))
    disk.power_cut_at(200)
    for number in range(300):
        try:
            do_anything(disk, rng)
        except PowerCut:
            disk.crash(rng)
        except OSError:
            pass  # asked for, or there is no such file
        if number % 120 == 119:
            disk.crash(rng)
    return disk


def test_equal_seeds_give_equal_disks() -> None:
    """A failure that was found once can be found again."""
    first, again, other = stirred(1), stirred(1), stirred(2)
    assert first.contents == again.contents
    assert list(first.contents) == list(again.contents)
    assert first.sync_points == again.sync_points
    assert first.contents != other.contents


@pytest.mark.parametrize("seed", range(10))
def test_after_a_power_cut_everything_left_is_durable(seed: int) -> None:
    """The next cut, without a write between, changes nothing."""
    disk = stirred(seed)
    disk.crash(Random(seed))
    left = {path: bytes(content) for path, content in disk.contents.items()}
    listed = [disk.list(folder) for folder in ("", "a", "a/b", "c")]
    disk.crash(Random(seed + 1))
    assert disk.contents == left
    assert [disk.list(folder) for folder in ("", "a", "a/b", "c")] == listed
