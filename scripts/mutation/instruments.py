"""The instruments that are to notice a mutation: parts of the tests, run in a copy of the checkout.

A run ends at its first failure or at a time limit.  Not here: which mutation is in the copy.
"""

from __future__ import annotations

import enum
import math
import os
import re
import resource
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import attrs
import trio

ROOT = Path(__file__).parents[2]

PARTS = ("tick_logger", "tests", "scripts", "config", "pyproject.toml", "README.md", "CHANGELOG.md")
"""What of the checkout the tests need."""

PATIENCE = 5.0
MIN_CPU_SECS = 60.0
"""CPU time: so many times that on the sound checkout, and so long at least.

Some mutations make something run for ever.  Other work on the machine is no reason to say so.
"""

LIMIT_SECS = 900.0
"""For what waits for ever without using the CPU."""

_FIRST = re.compile(r"^(?:FAILED|ERROR) (\S+)", re.MULTILINE)
_FRAME = re.compile(r'[ |]*File "(?:.*/)?((?:tick_logger|tests|scripts)/.+\.py)", line (\d+), ')
_ASSERTION = re.compile(r"[ |]*AssertionError")
_SHOWN_CHARS = 2000


class UnsoundError(Exception):
    """An instrument can tell nothing, as it fails on the checkout as it is."""


@attrs.frozen
class Instrument:
    """A part of the tests: files and folders, and what of them is left out."""

    name: str
    title: str
    paths: tuple[str, ...]
    without: tuple[str, ...] = ()


INSTRUMENTS = (
    Instrument(
        "simulation",
        "simulation",
        ("tests/sim",),
        # Tests of the oracle itself, which change files behind the recorder's back.
        ("tests/sim/test_stories.py::test_a_row_too_many_or_too_few_is_found_out",),
    ),
    Instrument(
        "crash-tests",
        "tests of what is on disk",
        ("tests/storage", "tests/journal", "tests/derive", "tests/recording", "tests/upgrade"),
        # They try much that the others have tried, and take longer than all of them.
        ("tests/upgrade/test_power_cuts.py", "tests/upgrade/test_grown.py"),
    ),
    # The test of real processes says the same more slowly.
    Instrument("service", "service tests", ("tests/service",), ("tests/service/test_process.py",)),
)


class Verdict(enum.StrEnum):
    """What a run of an instrument has shown of a mutation; the value is for the table."""

    UNNOTICED = "not"
    NOTICED = "noticed"
    HANGS = "noticed (hangs)"
    BROKEN = "could not run"


_VERDICTS = {0: Verdict.UNNOTICED, 1: Verdict.NOTICED, -signal.SIGXCPU: Verdict.HANGS}
"""By exit code; any other one of pytest says that it could not run the tests."""


@attrs.frozen
class Result:
    """How a run ended; `said` is the test that failed first, or why the run was none.

    `assertion` is the place of an assertion of the program itself that failed in that test.
    """

    verdict: Verdict
    secs: float
    said: str = ""
    assertion: str = ""

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
            shutil.copytree(source / part, folder / part, ignore=made)
        else:
            shutil.copy2(source / part, folder / part)
    return folder


async def run(instrument: Instrument, checkout: Path, cpu_secs: float) -> Result:
    """Run an instrument's tests in a checkout, with this much CPU time at most."""
    paths = [path for path in instrument.paths if (checkout / path).exists()]
    if not paths:
        return Result(Verdict.BROKEN, 0, f"there is no {' or '.join(instrument.paths)}")
    command = ["sh", "-c", 'ulimit -S -t "$0" && exec "$@"', str(math.ceil(cpu_secs))]
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
        return Result(verdict, secs, _told(verdict, output), assertion)
    return Result(Verdict.HANGS, LIMIT_SECS)


async def cpu_limit_secs(instrument: Instrument, sound: Path) -> float:
    """How much CPU time to allow; raises `UnsoundError` if it fails on the sound checkout.

    Nothing else may run meanwhile.
    """
    before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
    result = await run(instrument, sound, LIMIT_SECS)
    if result.verdict is not Verdict.UNNOTICED:
        why = result.said or result.verdict
        raise UnsoundError(f"{instrument.name} fails without any mutation: {why}")
    used_secs = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - before
    return max(PATIENCE * used_secs, MIN_CPU_SECS)


def failed_assertion(output: str) -> str:
    """Place of the first assertion of the program, not of a test, that a traceback ends with."""
    place = ""
    for line in output.splitlines():
        if frame := _FRAME.match(line):
            place = f"{frame[1]}:{frame[2]}"
        elif _ASSERTION.match(line) and place.startswith("tick_logger/"):
            return place
    return ""


def _told(verdict: Verdict, output: str) -> str:
    found = _FIRST.search(output)
    if verdict is Verdict.NOTICED and found:
        return found[1]
    return output[-_SHOWN_CHARS:] if verdict is Verdict.BROKEN else ""
