"""The simulated disk loses what a real one may lose, all of it at times, and nothing else."""

from __future__ import annotations

from random import Random

from tests.fakes.power_cuts import CUTS, disk_after, survivors, with_old
from tests.fakes.sim_disk import SimDisk

# -- data -----------------------------------------------------------------------------------------


def test_synced_data_survives() -> None:
    """By any of the two ways, and again after the next cut."""

    def everything(disk: SimDisk) -> None:
        disk.append("x", b"abc")
        disk.append("x", b"def")
        disk.sync()

    def one_by_one(disk: SimDisk) -> None:
        disk.append("x", b"abcdef")
        disk.sync_folder()
        disk.sync_file("x")
        disk.crash(Random(1))

    assert survivors(everything) == {b"abcdef"}
    assert survivors(one_by_one) == {b"abcdef"}


def test_unsynced_growth_is_kept_dropped_zero_or_torn() -> None:
    """What was synced before stays; the length may be any between."""

    def steps(disk: SimDisk) -> None:
        with_old(disk, "x")
        disk.append("x", b"N")
        disk.append("x", b"W")

    assert survivors(steps) == {b"old", b"old\0", b"oldN", b"old\0\0", b"oldNW"}


def test_sectors_are_torn_one_by_one() -> None:
    """Each of 512 bytes, counted from the beginning of the file, is there or is zeros."""

    def steps(disk: SimDisk) -> None:
        with_old(disk, "x", content=b"o" * 500)
        disk.append("x", b"n" * (12 + 512 + 10))

    every = survivors(steps, cuts=range(2000))
    found = {left for left in every if left is not None and len(left) == 1034}
    sectors = [(bytes(size), b"n" * size) for size in (12, 512, 10)]
    assert found == {
        b"o" * 500 + first + second + third
        for first in sectors[0]
        for second in sectors[1]
        for third in sectors[2]
    }


def test_a_page_may_be_filled_with_zeros() -> None:
    """A length that looks right, and a tail of zeros, as ext4 leaves them."""

    def steps(disk: SimDisk) -> None:
        with_old(disk, "x", content=b"o" * 4000)
        disk.append("x", b"n" * 4002)

    found = survivors(steps)
    assert b"o" * 4000 + bytes(96) in found
    assert b"o" * 4000 + bytes(4002) in found
    assert all(left is not None and left[:4000] == b"o" * 4000 for left in found)
    assert {len(left) for left in found if left is not None} >= {4000, 4096, 8002}
    assert max(len(left) for left in found if left is not None) == 8002


def test_an_unsynced_cut_may_be_undone() -> None:
    """Wholly, or as far as any length between; bytes cut off come back or are zeros."""

    def steps(disk: SimDisk) -> None:
        with_old(disk, "x", content=b"abcd")
        disk.truncate("x", 3)
        disk.truncate("x", 2)

    assert survivors(steps) == {b"ab", b"abc", b"abcd", b"ab\0", b"ab\0\0"}


def test_a_file_written_anew_may_be_old_new_or_mixed() -> None:
    """Cutting to nothing and appending is no unit: there is no moment without risk."""

    def steps(disk: SimDisk) -> None:
        with_old(disk, "x", content=b"o" * 600)
        disk.truncate("x", 0)
        disk.append("x", b"n" * 600)

    found = survivors(steps)
    firsts, seconds = (b"o" * 512, b"n" * 512, bytes(512)), (b"o" * 88, b"n" * 88, bytes(88))
    assert {b"", b"o" * 600, b"n" * 600, bytes(600)} < found
    assert b"n" * 512 + b"o" * 88 in found
    whole = {left for left in found if left is not None and len(left) == 600}
    assert whole <= {first + second for first in firsts for second in seconds}


def test_a_cut_that_was_synced_stays() -> None:
    """Cutting and syncing leave the same as never having written more."""

    def steps(disk: SimDisk) -> None:
        with_old(disk, "x", content=b"abcd")
        disk.truncate("x", 1)
        disk.append("x", b"z")
        disk.sync_file("x")

    assert survivors(steps) == {b"az"}


def test_files_have_fates_of_their_own() -> None:
    """The later write may survive without the earlier one."""

    def steps(disk: SimDisk) -> None:
        with_old(disk, "x", "y")
        disk.append("x", b"!")
        disk.append("y", b"!")

    disks = [disk_after(steps, cut) for cut in CUTS]
    found = {(bytes(disk.contents["x"]), bytes(disk.contents["y"])) for disk in disks}
    endings = (b"old", b"old\0", b"old!")
    assert found == {(first, second) for first in endings for second in endings}


def test_a_kill_loses_nothing_but_makes_nothing_durable() -> None:
    """What the system holds outlives the process, not the power."""

    def steps(disk: SimDisk) -> None:
        with_old(disk, "x")
        disk.append("x", b"!")
        disk.append("a/y", b"new")
        disk.crash(Random(1), "kill")
        assert disk.contents == {"x": b"old!", "a/y": b"new"}

    assert survivors(steps, "x") == {b"old", b"old\0", b"old!"}
    assert None in survivors(steps, "a/y")


# -- names ----------------------------------------------------------------------------------------


def test_a_synced_file_may_lose_its_name() -> None:
    """Its bytes are safe, but where are they: until its folder is synced too."""

    def without_folder(disk: SimDisk) -> None:
        disk.append("x", b"new")
        disk.sync_file("x")

    def with_folder(disk: SimDisk) -> None:
        without_folder(disk)
        disk.sync_folder()

    assert survivors(without_folder) == {None, b"new"}
    assert survivors(with_folder) == {b"new"}


def test_a_name_may_outlive_the_data() -> None:
    """A folder that is synced says nothing about the bytes."""

    def steps(disk: SimDisk) -> None:
        disk.append("x", b"n")
        disk.sync_folder()

    assert survivors(steps) == {b"", b"\0", b"n"}


def test_a_lost_folder_takes_its_files_along() -> None:
    """Each name on the way has to be synced in the folder that holds it."""

    def inner(disk: SimDisk) -> None:
        disk.append("a/b/x", b"new")
        disk.sync_file("a/b/x")
        disk.sync_folder("a/b")
        disk.sync_folder("")

    def all_of_them(disk: SimDisk) -> None:
        inner(disk)
        disk.sync_folder("a")

    assert survivors(inner, "a/b/x") == {None, b"new"}
    assert survivors(all_of_them, "a/b/x") == {b"new"}
    assert {tuple(disk_after(inner, cut).list("a")) for cut in CUTS} == {(), ("b/",)}


def test_an_unsynced_removal_may_be_undone() -> None:
    """The file is back as it was, with the fate of its own un-synced bytes."""

    def unsynced(disk: SimDisk) -> None:
        with_old(disk, "a/x")
        disk.append("a/x", b"!")
        disk.remove("a/x")

    def synced(disk: SimDisk) -> None:
        unsynced(disk)
        disk.sync_folder("a")

    assert survivors(unsynced, "a/x") == {None, b"old", b"old\0", b"old!"}
    assert survivors(synced, "a/x") == {None}


def test_a_file_made_anew_under_an_old_name() -> None:
    """The old one, the new one, or neither; with the folder synced, the new one."""

    def unsynced(disk: SimDisk) -> None:
        with_old(disk, "x")
        disk.remove("x")
        disk.append("x", b"new")
        disk.sync_file("x")

    def synced(disk: SimDisk) -> None:
        unsynced(disk)
        disk.sync_folder()

    assert survivors(unsynced) == {None, b"old", b"new"}
    assert survivors(synced) == {b"new"}
