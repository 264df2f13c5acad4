"""`verify` beside the real recorder, after it, and where something of it is gone."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.service.processes import ENOUGH_SECS, ENVIRONMENT, command, demo, wait_for_rows

pytestmark = pytest.mark.slow


def checked(folder: Path, *options: str) -> tuple[int, dict[str, Any]]:
    """Exit code and report of a verification."""
    done = subprocess.run(
        command("verify", str(folder), "--json", *options),
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        timeout=ENOUGH_SECS,
    )
    return done.returncode, json.loads(done.stdout)


def segments(folder: Path) -> list[Path]:
    """Those of the journal, the oldest first."""
    return sorted((folder / "journal").glob("*.tlj"))


@pytest.mark.parametrize("times", [1, pytest.param(3, marks=pytest.mark.seldom)])
def test_beside_a_recorder_that_runs(times: int, tmp_path: Path) -> None:
    """Whatever is being written then, all holds that is promised of files that grow.

    Nothing is changed, and the recorder does not notice.
    """
    with demo(tmp_path) as running:
        running.wait_until_it_receives()
        wait_for_rows(tmp_path)
        for _ in range(times):
            for options in ((), ("--deep",)):
                code, report = checked(tmp_path, *options)
                assert (code, report["findings"], report["live"]) == (0, [], True)
                assert report["totals"]["rows"] > 0
                assert report["not_compared"] == ""
        assert running.interrupt()["exit_code"] == 0
    assert checked(tmp_path, "--deep")[1]["live"] is False


@pytest.mark.seldom
def test_what_is_damaged_is_found_beside_a_recorder_too(tmp_path: Path) -> None:
    """A column that lost rows, however often it is looked at."""
    with demo(tmp_path) as running:
        running.wait_until_it_receives()
        path = wait_for_rows(tmp_path)
        path.write_bytes(b"")
        code, report = checked(tmp_path)
    where = path.parent.relative_to(tmp_path).as_posix()
    kinds = {each["kind"] for each in report["findings"] if each["path"].startswith(where)}
    assert (code, "columns of unequal length" in kinds, report["live"]) == (1, True, True)


def test_after_a_crash(tmp_path: Path) -> None:
    """Nobody holds the lock: what is not derived is a finding, and how to mend it is said."""
    with demo(tmp_path) as killed:
        killed.wait_until_it_receives()
        killed.process.send_signal(signal.SIGKILL)
        killed.process.wait(ENOUGH_SECS)
    code, report = checked(tmp_path)
    assert (code, report["live"]) == (1, False)
    (behind,) = (each for each in report["findings"] if each["kind"] == "received but not derived")
    assert "run recover" in behind["detail"]


@pytest.mark.seldom
def test_what_cannot_be_compared_is_said(tmp_path: Path) -> None:
    """Without a journal, or with less of it than the checkpoints need."""
    with demo(tmp_path) as running:
        running.wait_until_it_receives()
        running.interrupt()
    whole = tmp_path / "journal"
    assert checked(tmp_path, "--deep")[0] == 0

    kept = tmp_path.parent / "kept"
    shutil.move(whole, kept)
    code, report = checked(tmp_path, "--deep")
    assert (code, report["findings"], report["not_compared"]) == (1, [], "there is no journal")
    assert checked(tmp_path)[0] == 0

    shutil.copytree(kept, whole)
    for segment in segments(tmp_path):
        segment.unlink()
    code, report = checked(tmp_path, "--deep")
    assert (code, report["not_compared"]) == (1, "there is no journal")
    (gone,) = report["findings"]
    assert gone["detail"].startswith("frames 1 to ")
    assert checked(tmp_path)[0] == 1


@pytest.mark.seldom
def test_after_both_checkpoints_were_lost(tmp_path: Path) -> None:
    """What came after that is compared; what was before it is known by other numbers."""
    for loss in (True, False):
        with demo(tmp_path) as running:
            running.wait_until_it_receives()
            wait_for_rows(tmp_path)
            running.interrupt()
        if loss:
            for checkpoint in (tmp_path / "journal").glob("checkpoint.*"):
                checkpoint.write_bytes(b"x")
            accepted = command("recover", str(tmp_path), "--accept-damage")
            subprocess.run(accepted, env=ENVIRONMENT, check=True, timeout=ENOUGH_SECS)
    code, report = checked(tmp_path, "--deep")
    assert (code, report["findings"], report["not_compared"]) == (0, [], "")
    (note,) = (each for each in report["notes"] if each.startswith("replayed "))
    assert "since the beginning" not in note
