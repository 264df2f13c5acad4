"""The instruments that are to notice a mutation: parts of the tests, run in a copy of the checkout.

A run ends at its first failure or at a time limit.  Not here: which mutation is in the copy.
"""

from __future__ import annotations

import enum
import math
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeAlias

import attrs
import trio

from scripts.mutation.mutations import Mutation

ROOT = Path(__file__).parents[2]

PARTS = (
    *("tick_logger", "tests", "scripts", "config", "pyproject.toml", "README.md", "CHANGELOG.md"),
    *(
        ".dockerignore",
        ".gitignore",
        "requirements.lock",
        "requirements-archive.lock",
        "requirements-dev.lock",
    ),
)
"""What of the checkout the tests need."""

PATIENCE = 5.0
MIN_CPU_SECS = 60.0
"""CPU time: so many times that on the sound checkout, and so long at least.

Some mutations make something run for ever.  Other work on the machine is no reason to say so.
"""

LIMIT_SECS = 900.0
"""For what waits for ever without using the CPU."""

MOST_NAMED = 12
"""Files of tests that are named for a mutation; a module that more of them import is everywhere."""

Paths: TypeAlias = tuple[str, ...]
"""Files and folders of tests, from the root of the checkout."""

_NAMED = re.compile(r"tests/[\w/]+(?:\.py)?")
_FIRST = re.compile(r"^(?:FAILED|ERROR) (\S+)", re.MULTILINE)
_FRAME = re.compile(r'[ |]*File "(?:.*/)?((?:tick_logger|tests|scripts)/.+\.py)", line (\d+), ')
_ASSERTION = re.compile(r"[ |]*AssertionError")
_TIMES = re.compile(r"(\d+)m([\d.]+)s")
_SHOWN_CHARS = 2000


class UnsoundError(Exception):
    """An instrument can tell nothing, as it fails on the checkout as it is."""


@attrs.frozen
class Instrument:
    """A part of the tests, which may depend on the mutation, and what of it is left out."""

    name: str
    title: str
    paths_for: Callable[[Mutation, Path], Paths]
    """What of the tests of a checkout is to notice this one."""
    without: Paths = ()


class Verdict(enum.StrEnum):
    """What a run of an instrument has shown of a mutation; the value is for the table."""

    UNNOTICED = "not"
    NOTICED = "noticed"
    HANGS = "noticed (hangs)"
    BROKEN = "could not run"
    LEFT_OUT = ""


_VERDICTS = {0: Verdict.UNNOTICED, 1: Verdict.NOTICED, 128 + signal.SIGXCPU: Verdict.HANGS}
"""By exit code of a shell; any other one of pytest says that it could not run the tests."""

_WITH_LIMIT = 'ulimit -S -t "$0"; "$@"; code=$?; times; exit $code'
"""Runs a command with so many seconds of CPU time, and then prints how many it has used."""


@attrs.frozen
class Result:
    """How a run ended; `said` is the test that failed first, or why the run was none.

    `assertion` is the place of an assertion of the program itself that failed in that test.
    """

    verdict: Verdict
    secs: float
    said: str = ""
    assertion: str = ""
    cpu_secs: float = 0.0

    @property
    def noticed(self) -> bool:
        """Whether something was wrong."""
        return self.verdict in (Verdict.NOTICED, Verdict.HANGS)


def snapshot(source: Path, folder: Path) -> Path:
    """Copy a checkout without what is made from it; returns the copy."""
    made = shutil.ignore_patterns("__pycache__", ".*_cache", ".hypothesis")
    folder.mkdir()
    for part in PARTS:
        if (source / part).is_dir():
            shutil.copytree(source / part, folder / part, symlinks=True, ignore=made)
        else:
            shutil.copy2(source / part, folder / part)
    return folder


async def run(
    instrument: Instrument, mutation: Mutation, checkout: Path, cpu_secs: float = LIMIT_SECS
) -> Result:
    """Run an instrument for a mutation on a checkout, for so much CPU time at most."""
    paths = instrument.paths_for(mutation, checkout)
    if not paths:
        return Result(Verdict.LEFT_OUT, 0)
    command = ["sh", "-c", _WITH_LIMIT, str(math.ceil(cpu_secs))]
    command += [sys.executable, "-m", "pytest", "-x", "-q", "--tb=native", "-p", "no:cacheprovider"]
    command += [*paths, *(f"--deselect={test}" for test in instrument.without)]
    environ = {**os.environ, "PYTHONPATH": str(checkout), "PYTHONDONTWRITEBYTECODE": "1"}
    began = trio.current_time()
    with trio.move_on_after(LIMIT_SECS):
        done = await trio.run_process(
            command, cwd=checkout, env=environ, check=False,
            capture_stdout=True, stderr=subprocess.STDOUT,
        )  # fmt: skip
        output = done.stdout.decode(errors="replace")
        verdict = _VERDICTS.get(done.returncode, Verdict.BROKEN)
        secs, assertion = trio.current_time() - began, failed_assertion(output)
        return Result(verdict, secs, _told(verdict, output), assertion, _cpu_secs(output))
    return Result(Verdict.HANGS, LIMIT_SECS)


class Limits:
    """How much CPU time each instrument may use, measured on the sound checkout when needed."""

    def __init__(self, sound: Path) -> None:
        self._sound = sound
        self._known: dict[Paths, float] = {}
        self._locks: dict[Paths, trio.Lock] = {}

    async def of(self, instrument: Instrument, mutation: Mutation) -> float:
        """Raises `UnsoundError` if the instrument fails without any mutation."""
        paths = instrument.paths_for(mutation, self._sound)
        async with self._locks.setdefault(paths, trio.Lock()):
            if paths not in self._known:
                self._known[paths] = await self._measured(instrument, mutation)
        return self._known[paths]

    async def _measured(self, instrument: Instrument, mutation: Mutation) -> float:
        result = await run(instrument, mutation, self._sound)
        if result.verdict not in (Verdict.UNNOTICED, Verdict.LEFT_OUT):
            why = result.said or result.verdict
            raise UnsoundError(f"{instrument.name} fails without any mutation: {why}")
        return max(PATIENCE * result.cpu_secs, MIN_CPU_SECS)


def _known(mutation: Mutation, _checkout: Path) -> Paths:
    return (mutation.noticed_by,) if mutation.noticed_by else ()


def _named(mutation: Mutation, checkout: Path) -> Paths:
    """Tests that the list names for it, are named as its module, or import it: none if too many."""
    named = {path for path in _NAMED.findall(mutation.breaks) if (checkout / path).is_file()}
    inner = Path(mutation.file).relative_to("tick_logger").with_suffix("")
    stem = inner.name.strip("_")
    named |= {str(path) for path in _tests(checkout, inner.parent) if path.stem == f"test_{stem}"}
    module = ".".join(("tick_logger", *inner.parts))
    importing = re.compile(rf"^from {re.escape(module)} import |^import {re.escape(module)}$", re.M)
    using = {
        str(path.relative_to(checkout))
        for path in sorted((checkout / "tests").rglob("test_*.py"))
        if importing.search(path.read_text())
    }
    return tuple(sorted(named | using)) if len(named | using) <= MOST_NAMED else ()


def _beside(mutation: Mutation, checkout: Path) -> Paths:
    """Tests that are named as the module first, then those of the nearest folder of its name."""
    inner = Path(mutation.file).relative_to("tick_logger")
    stem = inner.stem.strip("_").split("_")[0]
    tests = _tests(checkout, inner.parent)
    named = [path for path in tests if path.stem.startswith(f"test_{stem}")]
    folder = _folder(checkout, inner.parent)
    whole = [] if folder == Path("tests") else [folder]
    return tuple(map(str, [*named, *whole]))


def _folder(checkout: Path, package: Path) -> Path:
    """The folder of tests that is named as a package, or as the nearest that it is in."""
    folders = map(Path("tests").joinpath, (package, *package.parents))
    return next(each for each in folders if (checkout / each).is_dir())


def _tests(checkout: Path, package: Path) -> Sequence[Path]:
    found = (checkout / _folder(checkout, package)).glob("test_*.py")
    return sorted(path.relative_to(checkout) for path in found)


def _always(*paths: str) -> Callable[[Mutation, Path], Paths]:
    return lambda _mutation, _checkout: paths


INSTRUMENTS = (
    Instrument("known", "the test that is known to", _known),
    Instrument("named", "tests named for it", _named),
    Instrument("nearby", "tests nearby", _beside),
    Instrument("field", "cases of the field", _always("tests/field")),
    Instrument(
        "crash-tests",
        "tests of what is on disk",
        _always(
            "tests/storage", "tests/journal", "tests/derive", "tests/recording", "tests/upgrade"
        ),
        # They try much that the others have tried, and take longer than all of them.
        ("tests/upgrade/test_power_cuts.py", "tests/upgrade/test_grown.py"),
    ),
    # The test of real processes says the same more slowly.
    Instrument(
        "service",
        "service tests",
        _always("tests/service"),
        ("tests/service/test_process.py",),
    ),
    Instrument(
        "simulation",
        "simulation",
        _always("tests/sim"),
        # Tests of the oracle itself, which change files behind the recorder's back.
        ("tests/sim/test_stories.py::test_a_row_too_many_or_too_few_is_found_out",),
    ),
)
"""Those that take longest stand last."""


def failed_assertion(output: str) -> str:
    """Place of the first assertion of the program, not of a test, that a traceback ends with."""
    place = ""
    for line in output.splitlines():
        if frame := _FRAME.match(line):
            place = f"{frame[1]}:{frame[2]}"
        elif _ASSERTION.match(line) and place.startswith("tick_logger/"):
            return place
    return ""


def _cpu_secs(output: str) -> float:
    """User and system time of what was run, from the last line."""
    used = _TIMES.findall(output[-200:].rstrip().rsplit("\n", 1)[-1])
    return sum(60 * float(minutes) + float(seconds) for minutes, seconds in used)


def _told(verdict: Verdict, output: str) -> str:
    found = _FIRST.search(output)
    if verdict is Verdict.NOTICED and found:
        return found[1]
    return output[-_SHOWN_CHARS:] if verdict is Verdict.BROKEN else ""
