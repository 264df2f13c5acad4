"""Somebody removes or moves what is being written: it is said, and the exit code is 3."""

from __future__ import annotations

import json
import shutil
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.service.processes import ENOUGH_SECS, Demo, demo, wait_for_rows

pytestmark = pytest.mark.slow


def stopped(running: Demo) -> tuple[int, dict[str, Any]]:
    """Stop it; the exit code, and its last words."""
    running.process.send_signal(signal.SIGINT)
    assert running.process.stderr is not None
    running.lines += [json.loads(line) for line in running.process.stderr]
    return running.process.wait(ENOUGH_SECS), running.lines[-1]


def moved(folder: Path) -> None:
    folder.rename(folder.with_name("elsewhere"))


def everything(folder: Path) -> None:
    """At once: a slow removal meets folders in which something new has come."""
    moved(folder)
    shutil.rmtree(folder.with_name("elsewhere"))


def a_venue(folder: Path) -> None:
    shutil.rmtree(wait_for_rows(folder).parents[2], ignore_errors=True)


def a_symbol(folder: Path) -> None:
    shutil.rmtree(wait_for_rows(folder).parents[1], ignore_errors=True)


def one_column(folder: Path) -> None:
    """Replaced by a copy, as a restore does."""
    path = wait_for_rows(folder)
    copy = path.with_name("copy")
    shutil.copy(path, copy)
    copy.rename(path)
    wait_for_rows(path.parent, path.stat().st_size + 8, path.name.replace("bid", "ask"))


def newest_segment(folder: Path) -> None:
    max((folder / "journal").glob("*.tlj")).unlink()


def the_lock(folder: Path) -> None:
    (folder / "journal/lock").unlink()


@pytest.mark.parametrize(
    ("take", "said"),
    [
        pytest.param(everything, "gone, or shorter", marks=pytest.mark.seldom),
        pytest.param(moved, "gone, or shorter", marks=pytest.mark.seldom),
        (a_venue, "gone, or shorter"),
        (a_symbol, "gone, or shorter"),
        pytest.param(one_column, "gone, or shorter", marks=pytest.mark.seldom),
        (newest_segment, "journal/00000001.tlj was removed or cut while it was written"),
        pytest.param(the_lock, "first journal/lock", marks=pytest.mark.seldom),
    ],
)
def test_what_is_taken_away(take: Callable[[Path], None], said: str, tmp_path: Path) -> None:
    """Whatever part it is, "nothing was lost" is not said."""
    folder = tmp_path / "data"
    with demo(folder) as running:
        running.wait_until_it_receives()
        wait_for_rows(folder)
        take(folder)
        code, last = stopped(running)
    assert code == 3
    assert last["exit_code"] == 3
    assert said in last["outcome"]
    assert "nothing was lost" not in last["outcome"]
    assert any(said in line["reason"] for line in running.said("not_ready"))


def test_what_comes_back_is_not_lost(tmp_path: Path) -> None:
    """Moved away and back, the files are those that were written all the time."""
    folder = tmp_path / "data"
    with demo(folder) as running:
        running.wait_until_it_receives()
        venue = wait_for_rows(folder).parents[2]
        venue.rename(tmp_path / "aside")
        (tmp_path / "aside").rename(venue)
        assert running.interrupt()["exit_code"] == 0
