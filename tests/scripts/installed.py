"""An installed recorder to upgrade: folders, a link, a configuration, and a service manager.

The manager stands on PATH as `systemctl` and starts what the link leads to, as the unit file does.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import attrs

ROOT = Path(__file__).parent.parent.parent
ENOUGH_SECS = 60.0
LONG_SECS = 5.0
"""In which a small program has started on a busy machine, and was ready for a while."""

SYSTEMCTL = """#!/usr/bin/env bash
echo "$@" >> {state}/calls
runs() {{ [ -d /proc/$1 ] && ! grep -q '^State:.Z' /proc/$1/status; }}
if [ "$1" = stop ]; then
  pid=$(cat {state}/pid 2>/dev/null) || exit 0
  kill -TERM $pid 2>/dev/null
  while runs $pid; do sleep 0.02; done
else
  cd {link}
  setsid {link}/.venv/bin/python -m tick_logger --config {config} --data-path {data} \\
    >> {state}/log 2>&1 < /dev/null &
  echo $! > {state}/pid
fi
"""


def free_port() -> int:
    """One that nobody listens on now."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


def git(folder: Path, *words: str) -> str:
    """As somebody who may commit."""
    who = ("-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "init.defaultBranch=main")
    done = subprocess.run(
        ["git", "-C", str(folder), *who, *words], check=True, capture_output=True, text=True
    )
    return done.stdout.strip()


@attrs.define
class Installed:
    """`link` leads to nothing at first: `install` puts a version of `origin` there."""

    folder: Path
    port: int = attrs.field(factory=free_port)

    def __attrs_post_init__(self) -> None:
        for each in (self.origin, self.folder / "bin", self.state):
            each.mkdir(parents=True)
        self.config.write_text(f"[http]\nport = {self.port}\n")
        manager = self.folder / "bin" / "systemctl"
        places = {"state": self.state, "link": self.link, "config": self.config, "data": self.data}
        manager.write_text(SYSTEMCTL.format(**places))
        manager.chmod(0o755)
        git(self.origin, "init", "-q")
        (self.origin / ".gitignore").write_text(".venv\n__pycache__/\n")
        for name in ("scripts/upgrade", "scripts/venv", "requirements.lock"):
            (self.origin / name).parent.mkdir(exist_ok=True)
            shutil.copy(ROOT / name, self.origin / name)
        shutil.copytree(ROOT / "scripts/upgrading", self.origin / "scripts/upgrading")

    @property
    def origin(self) -> Path:
        """Where versions come from."""
        return self.folder / "origin"

    @property
    def link(self) -> Path:
        """What the service starts."""
        return self.folder / "opt" / "recorder"

    @property
    def state(self) -> Path:
        """Of the service manager."""
        return self.folder / "state"

    @property
    def config(self) -> Path:
        """Of the recorder."""
        return self.folder / "recorder.toml"

    @property
    def data(self) -> Path:
        """Where is recorded."""
        return self.folder / "data"

    def release(self, tag: str, files: dict[str, str]) -> None:
        """Another version, with these files."""
        for name, text in files.items():
            path = self.origin / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        git(self.origin, "add", "-A")
        git(self.origin, "commit", "-q", "-m", tag)
        git(self.origin, "tag", tag)

    def install(self, tag: str) -> None:
        """Put a version where the link will be, and start the service."""
        self.link.parent.mkdir()
        git(self.folder, "clone", "-q", str(self.origin), str(self.link))
        git(self.link, "checkout", "-q", tag)
        (self.link / ".venv").symlink_to(sys.prefix)
        self.manage("start", "recorder")
        self.wait_until_ready()

    def manage(self, *words: str) -> None:
        """As an administrator does."""
        subprocess.run([self.folder / "bin" / "systemctl", *words], check=True)

    def upgrade(self, version: str, *more: str, secs: float = LONG_SECS) -> tuple[int, str]:
        """As an administrator calls it; the exit code, and what it says."""
        options = {
            "--link": self.link, "--service": "recorder", "--config": self.config,
            "--data-path": self.data, "--environment": self.folder / "environment",
            "--watch": secs, "--every": 0.1,
        }  # fmt: skip
        words = [str(word) for pair in options.items() for word in pair]
        environ = os.environ | {"PATH": f"{self.folder / 'bin'}:{os.environ['PATH']}"}
        done = subprocess.run(
            [self.link / "scripts" / "upgrade", version, *words, *more],
            env=environ, cwd=self.link, capture_output=True, text=True, timeout=2 * ENOUGH_SECS,
        )  # fmt: skip
        assert done.stderr == ""
        return done.returncode, done.stdout

    def calls(self) -> list[str]:
        """What the service manager was told."""
        return (self.state / "calls").read_text().splitlines()

    def runs(self) -> str:
        """The tag of what the link leads to."""
        return git(self.link, "describe", "--tags")

    def ready(self) -> bool:
        """Whether somebody who is ready answers."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/ready", timeout=5):
                return True
        except OSError:
            return False

    def wait_until_ready(self) -> None:
        """Fails if that takes long."""
        deadline = time.monotonic() + ENOUGH_SECS
        while not self.ready():
            assert time.monotonic() < deadline, (self.state / "log").read_text()
            time.sleep(0.05)
