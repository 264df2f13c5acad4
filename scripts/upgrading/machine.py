"""What an upgrade does to the machine: folders of versions, the link to one, and the service.

Every step can be repeated, and none touches what is recorded.  Not here: in which order, and why
(`run`).
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

import attrs

from scripts.upgrading.errors import RefusedError

LOCKS = ("requirements-dev.lock", "requirements-archive.lock", "requirements.lock")
"""From the one with most in it to the one with least."""

STOP_SECS = 600
"""A stop writes what was received; the unit file gives it less."""


def ran(command: Sequence[str | Path], *, environ: Mapping[str, str] | None = None) -> str:
    """What a command says on standard output; `RefusedError` with its complaint if it fails."""
    words = [str(each) for each in command]
    try:
        done = subprocess.run(
            words, capture_output=True, text=True, check=False, env=environ, timeout=STOP_SECS
        )
    except OSError as error:
        raise RefusedError(f"{words[0]} cannot be run: {error.strerror}") from None
    if done.returncode != 0:
        said = (done.stderr or done.stdout).strip()
        raise RefusedError(f"{' '.join(words)} (exit code {done.returncode}):\n{said}")
    return done.stdout


@attrs.frozen
class Version:
    """One version of the program in a folder of its own.

    Its interpreter is told where to look (-P: not in the folder where this is called).
    """

    folder: Path

    @property
    def python(self) -> Path:
        """Its interpreter."""
        return self.folder / ".venv" / "bin" / "python"

    def git(self, *words: str) -> str:
        """What git says in this folder."""
        return ran(["git", "-C", self.folder, *words]).strip()

    @property
    def commit(self) -> str:
        """What it was made from."""
        return self.git("rev-parse", "--short=12", "HEAD")

    def run(self, *words: str, environ: Mapping[str, str]) -> str:
        """What the program says for these arguments."""
        usual = dict(environ) | {"PYTHONPATH": str(self.folder)}
        return ran([self.python, "-P", "-m", "tick_logger", *words], environ=usual)

    def number(self, name: str) -> int | None:
        """GENERATION or READABLE_FROM of its directories; None of versions that do not know."""
        code = f"from tick_logger.storage.format_file import {name}; print({name})"
        usual = dict(os.environ) | {"PYTHONPATH": str(self.folder)}
        try:
            return int(ran([self.python, "-P", "-c", code], environ=usual))
        except RefusedError:
            return None


def make_beside(old: Version, link: Path, wanted: str) -> Version:
    """The wanted version, in a folder beside the link, with an environment; what is there is kept.

    Where its lock file is that of the old version, the environment is a copy of the old one's.
    """
    if old.git("remote"):
        old.git("fetch", "--quiet", "--tags")
    try:
        commit = old.git("rev-parse", "--short=12", f"{wanted}^{{commit}}")
    except RefusedError:
        raise RefusedError(
            f"there is no version {wanted} in {old.folder} or where it is from"
        ) from None
    new = Version(link.with_name(f"{link.name}-{commit}"))
    if new.folder.resolve() == old.folder.resolve() or commit == old.commit:
        raise RefusedError(f"{wanted} is what is installed: {commit}")
    if not new.folder.exists():
        making = new.folder.with_name(f"{new.folder.name}.making")
        shutil.rmtree(making, ignore_errors=True)
        ran(["git", "clone", "--quiet", "--no-checkout", old.folder, making])
        made = Version(making)
        if old.git("remote"):
            made.git("remote", "set-url", "origin", old.git("remote", "get-url", "origin"))
        made.git("checkout", "--quiet", "--detach", commit)
        making.rename(new.folder)
    _make_environment(old, new)
    return new


def _make_environment(old: Version, new: Version) -> None:
    lock = _lock_of(old)
    theirs, ours = new.folder / lock, old.folder / lock
    if new.python.exists():
        return
    if theirs.read_bytes() == ours.read_bytes():
        ran(["cp", "-a", old.folder / ".venv", new.folder / ".venv"])
    else:
        ran([new.folder / "scripts" / "venv", lock])


def _lock_of(old: Version) -> str:
    """The lock file that the environment was made from."""
    stamp = old.folder / ".venv" / "made-from"
    for lock in LOCKS if stamp.exists() else ():
        if (old.folder / lock).exists() and stamp.read_text().split()[:2] == ran(
            ["cksum", old.folder / lock]
        ).split()[:2]:
            return lock
    return LOCKS[-1]


@attrs.frozen
class Service:
    """The service by its name, and the link through which it starts a version."""

    name: str
    link: Path

    def point_at(self, version: Version) -> None:
        """Stop it, let the link lead to this version, and start it.

        It is stopped meanwhile: one that runs imports some modules when they are first needed,
        and must not get those of another version.
        """
        ran(["systemctl", "stop", self.name])
        try:
            _link(self.link, version.folder)
        finally:
            ran(["systemctl", "start", "--no-block", self.name])


def apart(link: Path) -> Version:
    """What the link leads to; where it is a folder still, where that will be moved to."""
    here = Version(link)
    if link.is_symlink():
        return Version(link.resolve())
    return Version(link.with_name(f"{link.name}-{here.commit}"))


def _link(link: Path, folder: Path) -> None:
    if not link.is_symlink() and link.exists():  # the first time: the version that was there
        link.rename(apart(link).folder)
    new = link.with_name(f"{link.name}.new")
    new.unlink(missing_ok=True)
    new.symlink_to(folder)
    new.replace(link)
