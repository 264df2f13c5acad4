"""File systems of one's own that can be cut, filled and frozen; gone at the end of a block.

Needs root on Linux.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import struct
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import attrs
import trio

from scripts.torture_rig.errors import Failed, MissingToolError

IMAGE_MIB = 400
XFS_MIB = 320  # mkfs.xfs refuses less than 300
UNMOUNT_TRIES = 50
UNMOUNT_WAIT_SECS = 0.1
SHUTDOWN_IOCTL = 0x8004587D  # _IOR('X', 125, u32), of XFS, ext4 and others
NO_LOG_FLUSH = 2  # what was not synced is lost, the file system's own journal included
BALLOON_CHUNK = bytes(64 * 1024)


def require(tool: str, package: str) -> None:
    """Raise `MissingToolError` unless there is such a program."""
    if shutil.which(tool) is None:
        raise MissingToolError(f"{tool} is missing (apt install {package})")


@attrs.frozen
class LoopDisk:
    """A file system in an image file, mounted at `folder` while in use."""

    image: Path
    folder: Path
    options: str

    async def mount(self) -> None:
        """Mount it, which repairs what a cut left."""
        options = f"loop,{self.options}" if self.options else "loop"
        await run(["mount", "-o", options, str(self.image), str(self.folder)])

    async def unmount(self) -> None:
        """Unmount it; the loop device goes with it."""
        await unmount(self.folder)

    def cut(self) -> None:
        """As if the power failed: nothing more reaches the disk, what was not synced is gone."""
        descriptor = os.open(self.folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            fcntl.ioctl(descriptor, SHUTDOWN_IOCTL, struct.pack("I", NO_LOG_FLUSH))
        finally:
            os.close(descriptor)


@contextlib.asynccontextmanager
async def loop_disk(
    where: Path, kind: str, options: str = "", *, size_mib: int = 0
) -> AsyncIterator[LoopDisk]:
    """A new mounted file system of a kind ("ext4" or "xfs"); unmounted and removed at the end.

    Of so many MiB, which it takes as it fills; 0: a small one.  Raises `MissingToolError` if it
    cannot be made here.
    """
    require(f"mkfs.{kind}", {"ext4": "e2fsprogs", "xfs": "xfsprogs"}[kind])
    disk = LoopDisk(where / f"{kind}.img", where / f"{kind}.mnt", options)
    disk.folder.mkdir()
    with disk.image.open("wb") as image:
        image.truncate((size_mib or (XFS_MIB if kind == "xfs" else IMAGE_MIB)) * 1024 * 1024)
    force = "-f" if kind == "xfs" else "-F"
    await run([f"mkfs.{kind}", "-q", force, str(disk.image)])
    try:
        try:
            await disk.mount()
        except Failed as failure:
            raise MissingToolError(f"{kind} cannot be mounted here: {failure}") from failure
        yield disk
    finally:
        with trio.CancelScope(shield=True):
            await disk.unmount()
            disk.image.unlink()


@contextlib.asynccontextmanager
async def tmpfs(where: Path, size_mib: int) -> AsyncIterator[Path]:
    """A file system in memory that holds so much; unmounted at the end."""
    folder = where / "tmpfs.mnt"
    folder.mkdir()
    await run(["mount", "-t", "tmpfs", "-o", f"size={size_mib}m", "tmpfs", str(folder)])
    try:
        yield folder
    finally:
        with trio.CancelScope(shield=True):
            await unmount(folder)


@contextlib.asynccontextmanager
async def frozen(folder: Path) -> AsyncIterator[None]:
    """Within the block, whoever writes to the file system waits."""
    await run(["fsfreeze", "-f", str(folder)])
    try:
        yield
    finally:
        with trio.CancelScope(shield=True):
            await run(["fsfreeze", "-u", str(folder)])


def inflate(balloon: Path) -> int:
    """Let a file grow until nothing more fits; its size in bytes."""
    with balloon.open("ab", buffering=0) as file, contextlib.suppress(OSError):
        while True:
            file.write(BALLOON_CHUNK)
    return balloon.stat().st_size


async def unmount(folder: Path) -> None:
    """Unmount; processes that were killed a moment ago may still hold it for a while."""
    for _ in range(UNMOUNT_TRIES):
        if not is_mounted(folder):
            return
        done = await trio.run_process(
            ["umount", str(folder)], check=False, capture_stderr=True, capture_stdout=True
        )
        if done.returncode == 0:
            return
        await trio.sleep(UNMOUNT_WAIT_SECS)
    await run(["umount", "--lazy", str(folder)])


def is_mounted(folder: Path) -> bool:
    """Whether a file system is mounted at a folder; one that was cut can still be asked for."""
    where = [line.split()[1] for line in Path("/proc/self/mounts").read_text().splitlines()]
    return str(folder) in where


async def run(command: Sequence[str]) -> None:
    """Run a command to its end; raises `Failed` if it fails."""
    done = await trio.run_process(command, check=False, capture_stdout=True, capture_stderr=True)
    if done.returncode != 0:
        said = done.stderr.decode(errors="replace").strip()
        raise Failed(f"{' '.join(command)} ended with {done.returncode}: {said}")
