"""What `scripts/test` installs: only what is missing, where it may, once; and it never fails."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "scripts" / "test-tools"
RELEASE = Path("/etc/os-release")
IS_DEBIAN = RELEASE.exists() and "ID=debian" in RELEASE.read_text(encoding="utf-8").splitlines()
PROGRAMS = ("bash", "dirname", "grep", "touch", "timeout")

pytestmark = pytest.mark.skipif(not IS_DEBIAN, reason="there is nothing to do but on Debian")

SERVERS = ("chromedriver", "promtool", "amtool", "prometheus-node-exporter")


class Machine:
    """A copy of the script, and a path that holds nothing but what it needs and these programs.

    `apt-get` writes its arguments down, and ends with a code.
    """

    def __init__(self, root: Path, *programs: str, user: int = 0, code: int = 0) -> None:
        self.root = root
        (root / "scripts").mkdir()
        (root / ".venv").mkdir()
        self._bin = root / "bin"
        self._bin.mkdir()
        shutil.copy(SCRIPT, root / "scripts")
        for name in PROGRAMS:
            found = shutil.which(name)
            assert found is not None
            (self._bin / name).symlink_to(found)
        self._calls = root / "calls"
        self._program("id", f"echo {user}")
        self._program("apt-get", f'echo "$@" >> {self._calls}; echo noise; exit {code}')
        for name in programs:
            self._program(name, "exit 0")

    def _program(self, name: str, body: str) -> None:
        path = self._bin / name
        path.write_text(f"#!{self._bin}/bash\n{body}\n", encoding="utf-8")
        path.chmod(0o755)

    def run(self, **environ: str) -> list[str]:
        """What it says; it must succeed."""
        script = self.root / "scripts" / "test-tools"
        done = subprocess.run(
            [script],
            env={"PATH": str(self._bin), **environ},
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
        )
        assert done.stdout == ""
        return done.stderr.splitlines()

    def installed(self) -> list[str]:
        """The last words of each call: the packages, or "update"."""
        calls = self._calls.read_text(encoding="utf-8") if self._calls.exists() else ""
        return [line.partition("--no-install-recommends ")[2] or line.split()[-1]
                for line in calls.splitlines()]  # fmt: skip


def test_what_is_missing_is_installed_once(tmp_path: Path) -> None:
    """With one line that says so."""
    machine = Machine(tmp_path, "chromium")
    (line,) = machine.run()
    packages = "chromium-driver prometheus prometheus-alertmanager prometheus-node-exporter"
    assert line.startswith(f"Installing {packages} with apt-get")
    assert machine.installed() == ["update", packages]
    assert machine.run() == []
    assert len(machine.installed()) == 2


def test_a_machine_without_a_network_goes_on_without(tmp_path: Path) -> None:
    """It is said, once, and no reason to fail."""
    machine = Machine(tmp_path, code=100)
    lines = machine.run()
    assert [line.split()[0] for line in lines] == ["Installing", "That"]
    assert machine.installed() == ["update"]
    assert machine.run() == []


@pytest.mark.parametrize(
    ("user", "programs", "environ"),
    [
        (1000, (), {}),
        (0, (), {"TICK_LOGGER_TEST_TOOLS": "no"}),
        (0, ("chromium", *SERVERS), {}),
        (0, ("chromium-browser", *SERVERS), {}),
    ],
)
def test_nothing_is_installed_otherwise(
    user: int, programs: tuple[str, ...], environ: dict[str, str], tmp_path: Path
) -> None:
    """By others than root, if it is switched off, or if all is there."""
    machine = Machine(tmp_path, *programs, user=user)
    assert machine.run(**environ) == []
    assert machine.installed() == []


def test_it_is_left_alone_where_there_is_no_apt_get(tmp_path: Path) -> None:
    """Another system has other ways."""
    machine = Machine(tmp_path)
    os.remove(tmp_path / "bin" / "apt-get")
    assert machine.run() == []
