"""Which Python the scripts find, and which environment belongs to it.

The interpreters here are small programs that make an environment by copying themselves.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

SCRIPTS = Path(__file__).parents[2] / "scripts"
COPIED = ("find-python", "venv", "test", "test-tools", "pythons")

INTERPRETER = """#!/usr/bin/env bash
case "$1" in
  -c) echo "$0 {version}"; exit {code} ;;
  -m) echo "{version} ${{*:2}}" >> "{calls}" ;;
esac
case "$2" in
  venv)
    mkdir -p "$3/bin"; cp "$0" "$3/bin/python"
    echo "version = {version}.9" > "$3/pyvenv.cfg" ;;
  pip) exit {pip} ;;
  pytest) exit {tests} ;;
esac
"""


class Checkout:
    """A copy of the scripts and of nothing else, on a machine whose Pythons the test decides."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._calls = root / "calls"
        (root / "scripts").mkdir()
        (root / "commands").mkdir()
        (root / "requirements.lock").write_text("small", encoding="utf-8")
        (root / "requirements-dev.lock").write_text("large", encoding="utf-8")
        for name in COPIED:
            shutil.copy(SCRIPTS / name, root / "scripts")

    def install(
        self, version: str, *, pyenv: bool = False, code: int = 0, pip: int = 0, tests: int = 0
    ) -> Path:
        """An interpreter, as a command or in the folder of pyenv; the codes are how it ends."""
        path = self.root / "commands" / f"python{version}"
        if pyenv:
            path = self.root / "pyenv/versions" / f"{version}.9" / "bin/python"
            path.parent.mkdir(parents=True)
        text = INTERPRETER.format(
            version=version, code=code, pip=pip, tests=tests, calls=self._calls
        )
        path.write_text(text, encoding="utf-8")
        path.chmod(0o755)
        return path

    def run(self, script: str, *words: str, **environ: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [self.root / "scripts" / script, *words],
            env={
                "PATH": f"{self.root / 'commands'}:{self._system()}",
                "PYENV_ROOT": str(self.root / "pyenv"),
                "TICK_LOGGER_TEST_TOOLS": "no",
                **environ,
            },
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def _system(self) -> Path:
        """A folder with what the scripts need, and without any Python."""
        folder = self.root / "system"
        if not folder.exists():
            folder.mkdir()
            for name in ("bash", "env", "dirname", "cat", "cksum", "cp", "grep", "mkdir", "rm"):
                found = shutil.which(name)
                assert found is not None
                (folder / name).symlink_to(found)
        return folder

    def venv(self, lock: str = "requirements-dev.lock", **environ: str) -> str:
        """The folder that is printed; the script must succeed."""
        done = self.run("venv", lock, **environ)
        assert done.returncode == 0, done.stderr
        (line,) = done.stdout.splitlines()
        assert os.access(self.root / line / "bin/python", os.X_OK)
        return line

    def calls(self, module: str) -> list[str]:
        """The versions whose interpreter ran a module, with its arguments."""
        lines = self._calls.read_text(encoding="utf-8").splitlines() if self._calls.exists() else []
        return [line for line in lines if line.split()[1] == module]

    def made(self) -> list[str]:
        return [f"{line.split()[0]} {line.split()[-1]}" for line in self.calls("venv")]


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    return Checkout(tmp_path)


def test_each_version_has_an_environment_that_stays(checkout: Checkout) -> None:
    """The usual one is not touched by others, whether they are named by command or by path."""
    checkout.install("3.11")
    newer = checkout.install("3.13")
    assert checkout.venv() == ".venv"
    assert checkout.venv(PYTHON="python3.13") == ".venv-3.13"
    assert checkout.venv(PYTHON=str(newer)) == ".venv-3.13"
    assert checkout.venv(PYTHON="python3.11") == ".venv"
    assert checkout.venv() == ".venv"
    assert checkout.made() == ["3.11 .venv", "3.13 .venv-3.13"]


def test_an_environment_is_made_anew_for_another_lock(checkout: Checkout) -> None:
    """That for development serves for everything else too."""
    checkout.install("3.11")
    assert checkout.venv("requirements.lock") == checkout.venv("requirements.lock") == ".venv"
    assert len(checkout.made()) == 1
    assert checkout.venv() == checkout.venv("requirements.lock") == ".venv"
    assert len(checkout.made()) == 2
    (checkout.root / "requirements-dev.lock").write_text("larger", encoding="utf-8")
    assert checkout.venv() == ".venv"
    assert len(checkout.made()) == 3


def test_what_pyenv_has_is_found_where_its_command_does_not_work(checkout: Checkout) -> None:
    """It has commands for all its versions, of which only those enabled work."""
    checkout.install("3.12", code=127)
    checkout.install("3.12", pyenv=True)
    assert checkout.venv(PYTHON="python3.12") == ".venv-3.12"


@pytest.mark.parametrize("named", ["python3.13", "/nowhere/python"])
def test_a_python_that_is_not_there_is_an_error_where_it_is_named(
    checkout: Checkout, named: str
) -> None:
    """Nothing else is taken in its place."""
    checkout.install("3.11")
    done = checkout.run("venv", "requirements.lock", PYTHON=named)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"{named} is no Python 3.11 or newer")
    assert checkout.made() == []


def test_an_environment_that_was_not_finished_is_made_anew(checkout: Checkout) -> None:
    """As when the network failed."""
    checkout.install("3.11", pip=1)
    assert checkout.run("venv", "requirements.lock").returncode == 1
    checkout.install("3.11")
    assert checkout.venv() == ".venv"
    assert len(checkout.made()) == 2


def test_every_other_python_runs_the_quick_tests(checkout: Checkout) -> None:
    """What is missing or broken is named in a line, and no failure."""
    checkout.install("3.11")
    checkout.install("3.12", pip=1)
    checkout.install("3.13", pyenv=True)
    done = checkout.run("test", "--each-python")
    assert done.returncode == 0
    tried = [line.split()[:2] for line in done.stdout.splitlines()]
    assert tried == [["python3.12:", "no"], ["python3.13:", "the"], ["python3.14:", "none"]]
    (call,) = checkout.calls("pytest")
    assert call.startswith("3.13 pytest -m not slow and not seldom --numprocesses auto")


def test_a_failure_on_one_python_is_a_failure_after_all_were_tried(checkout: Checkout) -> None:
    """So that one run tells everything."""
    checkout.install("3.11")
    checkout.install("3.12", tests=1)
    checkout.install("3.13")
    done = checkout.run("test", "--each-python")
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == "Failed on: python3.12"
    assert [call.split()[0] for call in checkout.calls("pytest")] == ["3.12", "3.13"]


def test_arguments_go_to_pytest(checkout: Checkout) -> None:
    """On the Python that is named; without any, all processors are used."""
    checkout.install("3.11")
    checkout.install("3.13")
    assert checkout.run("test", "tests/net", "-k", "tap", PYTHON="python3.13").returncode == 0
    assert checkout.run("test").returncode == 0
    assert checkout.run("test", "--slow", "--durations=5").returncode == 0
    assert checkout.calls("pytest") == [
        "3.13 pytest tests/net -k tap",
        "3.11 pytest --numprocesses auto --dist loadgroup",
        "3.11 pytest -m seldom --numprocesses auto --dist loadgroup --durations=5",
    ]
