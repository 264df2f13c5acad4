"""Who may read the files of one exchange: a group and a mode, remembered by its folder.

A folder that was granted has the setgid bit.  What is made in it gets its group (by the system) and
its mode, whoever makes it: a recorder, a recovery, a back-fill.  So files of an exchange need no
configuration to be what they should.

Invariant: nobody but the owner may ever write; the folder itself is changed last, so that an
interrupted grant is given again.

Not here: who is granted what (`tick_logger.config`), and the journal, which holds all exchanges.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable

import attrs

MOST = 0o644
"""What a file may have: its owner writes, others read at most."""


@attrs.frozen
class Modes:
    """Of files, and of the folders around them."""

    file: int

    @property
    def folder(self) -> int:
        """Whoever may read the files may list and enter them."""
        return stat.S_ISGID | stat.S_IRWXU | (self.file & 0o044) | (self.file & 0o044) >> 2


def modes_at(root: str, path: str) -> Modes | None:
    """Those that a file of this path has to get; None where nothing was granted.

    `path` is relative to the root and begins with the exchange.
    """
    folder, slash, _ = path.partition("/")
    if not slash:
        return None
    try:
        found = os.stat(f"{root}/{folder}").st_mode
    except OSError:
        return None
    return Modes(found & MOST) if found & stat.S_ISGID else None


def grant(
    root: str, folder: str, gid: int | None, mode: int | None, sync: Callable[[], None]
) -> int:
    """Let a folder, all in it, and all that will be, have this group and mode; how many changed.

    None leaves the group as it is, and is 0640 as a mode.  `sync` makes durable what was done.
    Raises `OSError`: the group must be one of this process.  Takes no time where all is so already.
    """
    top = f"{root}/{folder}"
    os.makedirs(top, exist_ok=True)
    gid = os.stat(top).st_gid if gid is None else gid
    modes = Modes(0o640 if mode is None else mode & MOST)
    if _is(os.stat(top), gid, modes.folder):
        return 0
    changed = 0
    for parent, folders, names in os.walk(top, topdown=False):
        for name in names:
            changed += _change(os.path.join(parent, name), gid, modes.file)
        for name in folders:
            changed += _change(os.path.join(parent, name), gid, modes.folder)
    sync()
    return changed + _change(top, gid, modes.folder)


def _is(found: os.stat_result, gid: int, mode: int) -> bool:
    return found.st_gid == gid and stat.S_IMODE(found.st_mode) == mode


def _change(path: str, gid: int, mode: int) -> bool:
    """Whether there was anything to change; links stay as they are."""
    found = os.lstat(path)
    if stat.S_ISLNK(found.st_mode) or _is(found, gid, mode):
        return False
    if found.st_gid != gid:
        os.chown(path, -1, gid)
    os.chmod(path, mode)
    return True
