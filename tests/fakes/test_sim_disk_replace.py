"""On the simulated disk, a replaced file is the old one or the new one, and never a part."""

from __future__ import annotations

import errno
from random import Random

import pytest

from tests.fakes.power_cuts import CUTS, disk_after, survivors, with_old
from tests.fakes.sim_disk import PowerCut, SimDisk


def test_an_unsynced_replacement_is_old_or_new() -> None:
    """Whole in both cases, and never gone: a rename is one step."""

    def steps(disk: SimDisk) -> None:
        with_old(disk, "x")
        disk.replace("x", b"new and longer")

    assert survivors(steps) == {b"old", b"new and longer"}


def test_of_several_replacements_any_may_survive() -> None:
    """Nothing says which of the renames reached the disk."""

    def steps(disk: SimDisk) -> None:
        with_old(disk, "x")
        disk.replace("x", b"1")
        disk.replace("x", b"2")

    assert survivors(steps) == {b"old", b"1", b"2"}


def test_a_file_that_is_new_may_be_gone() -> None:
    """Its name is no safer than that of any other new file."""

    def steps(disk: SimDisk) -> None:
        disk.replace("a/x", b"new")

    assert survivors(steps, "a/x") == {None, b"new"}


@pytest.mark.parametrize("sync", ["all", "folder"])
def test_after_a_sync_it_is_the_new_one(sync: str) -> None:
    """Of everything, or of the folder: the bytes were safe before."""

    def steps(disk: SimDisk) -> None:
        with_old(disk, "a/x")
        disk.replace("a/x", b"new")
        if sync == "all":
            disk.sync()
        else:
            disk.sync_folder("a")

    assert survivors(steps, "a/x") == {b"new"}


def test_a_sync_of_the_file_does_not_settle_the_name() -> None:
    """The descriptor's file is durable already; the name is the folder's."""

    def steps(disk: SimDisk) -> None:
        with_old(disk, "x")
        disk.replace("x", b"new")
        disk.sync_file("x")

    assert survivors(steps) == {b"old", b"new"}


def test_what_is_appended_to_a_replacement_may_be_torn() -> None:
    """As to any file, but it never begins with bytes of the old one."""

    def steps(disk: SimDisk) -> None:
        with_old(disk, "x")
        disk.replace("x", b"new")
        disk.append("x", b"er")

    found = survivors(steps)
    assert {b"old", b"new", b"newer"} <= found
    assert all(each is not None and each.startswith((b"old", b"new")) for each in found)


def test_a_removed_replacement_may_come_back_as_what_was_durable() -> None:
    """The name on the disk meant the old file all the time."""

    def steps(disk: SimDisk) -> None:
        with_old(disk, "x")
        disk.replace("x", b"new")
        disk.remove("x")

    assert survivors(steps) == {None, b"old"}


def test_a_replacement_that_fails_changes_nothing() -> None:
    """Also after a power cut."""

    def steps(disk: SimDisk) -> None:
        with_old(disk, "x")
        disk.fail("replace", number=errno.EIO)
        with pytest.raises(OSError, match="Input/output error"):
            disk.replace("x", b"new")
        assert disk.read("x") == b"old"

    assert survivors(steps) == {b"old"}


def test_a_replacement_needs_room_for_both() -> None:
    """The old file is there until the new one is whole."""
    disk = SimDisk(capacity_bytes=10)
    disk.append("x", b"123456")
    with pytest.raises(OSError, match="No space left"):
        disk.replace("x", b"12345")
    assert disk.read("x") == b"123456"
    disk.replace("x", b"1234")
    disk.replace("x", b"654321")
    assert disk.read("x") == b"654321"


def test_a_power_cut_in_the_middle_leaves_one_of_them() -> None:
    """Old or new, both happen."""
    found = set()
    for seed in CUTS:
        disk = SimDisk(Random(seed))
        with_old(disk, "x")
        disk.power_cut_at(disk.operations + 1)
        with pytest.raises(PowerCut):
            disk.replace("x", b"new")
        disk.crash(Random(seed))
        found.add(disk.read("x"))
    assert found == {b"old", b"new"}


def test_equal_seeds_give_equal_disks() -> None:
    """Deterministic, as everything here."""

    def steps(disk: SimDisk) -> None:
        with_old(disk, "x", "y")
        disk.replace("x", b"new")
        disk.replace("y", b"new")

    assert [disk_after(steps, cut).contents for cut in range(20)] == [
        disk_after(steps, cut).contents for cut in range(20)
    ]


def test_a_renamed_file_is_whole_under_the_names_that_survive() -> None:
    """Before a sync of the folders it may have either name, both or none; never a part of it."""

    def steps(disk: SimDisk) -> None:
        disk.append("in/x", b"whole")
        disk.sync()
        disk.rename("in/x", "out/x")

    assert survivors(steps, "out/x") == {None, b"whole"}
    assert survivors(steps, "in/x") == {None, b"whole"}

    def synced(disk: SimDisk) -> None:
        steps(disk)
        disk.sync_folder("in")
        disk.sync_folder("out")
        disk.sync_folder()

    assert survivors(synced, "out/x") == {b"whole"}
    assert survivors(synced, "in/x") == {None}


def test_a_file_that_a_renamed_one_replaced_may_be_there_still() -> None:
    """One of both, and whole."""

    def steps(disk: SimDisk) -> None:
        with_old(disk, "x")
        disk.append("in/x", b"whole")
        disk.sync()
        disk.rename("in/x", "x")

    assert survivors(steps) == {b"old", b"whole"}
