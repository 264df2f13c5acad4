"""All that a power cut can leave of a small simulated disk."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from random import Random

from tests.fakes.sim_disk import SimDisk

CUTS = range(400)
"""Seeds enough for each thing that can happen to these small disks to happen."""

Steps = Callable[[SimDisk], None]


def disk_after(steps: Steps, cut: int, disk_seed: int = 0) -> SimDisk:
    """A disk that these steps were done on before the power was cut."""
    disk = SimDisk(Random(disk_seed))
    steps(disk)
    disk.crash(Random(cut))
    return disk


def survivors(
    steps: Steps, path: str = "x", *, disk_seed: int = 0, cuts: Iterable[int] = CUTS
) -> set[bytes | None]:
    """What a file holds after the power was cut, in all cases; None where it is gone."""
    disks = (disk_after(steps, cut, disk_seed) for cut in cuts)
    return {bytes(disk.contents[path]) if path in disk.contents else None for disk in disks}


def with_old(disk: SimDisk, *paths: str, content: bytes = b"old") -> None:
    """Put files durably on the disk."""
    for path in paths:
        disk.append(path, content)
    disk.sync()
