"""The real thing: processes with sockets, threads and a disk, stopped, killed, and refused."""

from __future__ import annotations

import json
import signal
import subprocess
from pathlib import Path

import pytest

from tests.service.processes import (
    ENOUGH_SECS,
    ENVIRONMENT,
    command,
    demo,
    demo_command,
    verify,
    wait_for_words,
)

pytestmark = pytest.mark.slow


def test_the_demo_is_stopped_by_ctrl_c(tmp_path: Path) -> None:
    """Exit code 0, the last line says that nothing was given up, and verification agrees."""
    with demo(tmp_path) as running:
        running.wait_until_it_receives()
        last = running.interrupt()
    assert (last["event"], last["exit_code"]) == ("stopped", 0)
    assert (last["messages_dropped"], last["bytes_not_written"]) == (0, 0)
    assert verify(tmp_path)["totals"]["rows"] == last["rows"]
    (times,) = json.loads((tmp_path / "format.json").read_text())["receive_times"]
    assert times == {"by": "kernel", "since_ns": None}


def test_the_demo_is_killed_and_started_again(tmp_path: Path) -> None:
    """What it had received is recovered, the pause is in the gap records, and it goes on."""
    with demo(tmp_path) as killed:
        killed.wait_until_it_receives()
        killed.process.kill()
        assert killed.process.wait(ENOUGH_SECS) == -signal.SIGKILL
    with demo(tmp_path) as restarted:
        restarted.wait_until_it_receives()
        last = restarted.interrupt()
    (recovered,) = restarted.said("recovered_from_a_crash")
    assert recovered["messages_replayed"] > 0
    assert verify(tmp_path)["totals"]["rows"] >= recovered["rows_recovered"] + last["rows"]
    gaps = [
        json.loads(line)
        for path in tmp_path.rglob("gaps.*.jsonl")
        for line in path.read_text().splitlines()[1:]  # the first is about no hole
    ]
    assert "crash" in {gap["cause"] for gap in gaps}  # a busy machine may add others


def test_a_second_process_is_refused(tmp_path: Path) -> None:
    """With exit code 2 and a calm word about the directory; the first does not notice."""
    with demo(tmp_path) as running:
        running.wait_until_it_receives()
        second = subprocess.run(
            demo_command(tmp_path),
            env=ENVIRONMENT,
            capture_output=True,
            text=True,
            timeout=ENOUGH_SECS,
        )
        assert second.returncode == 2
        *_, title, reason = second.stderr.splitlines()
        assert title == "tick_logger did not start:"
        assert f"another process records into {tmp_path}" in reason
        assert f"its number is {running.process.pid}" in reason
        running.interrupt()
    verify(tmp_path)


def test_with_too_few_open_files_it_does_not_begin(tmp_path: Path) -> None:
    """It says how many are needed, in words, before anything is touched."""
    folder = tmp_path / "data"
    limited = ["sh", "-c", 'ulimit -n 50; exec "$@"', "sh", *demo_command(folder)]
    ended = subprocess.run(
        limited, env=ENVIRONMENT, capture_output=True, text=True, timeout=ENOUGH_SECS
    )
    assert ended.returncode == 2
    assert "50 are too few to record anything" in ended.stderr
    assert "Traceback" not in ended.stdout + ended.stderr
    assert not folder.exists()


def test_a_service_says_what_it_does_in_both_places(tmp_path: Path) -> None:
    """Readable lines on standard error, and JSON in a file; levels by part, by the environment."""
    log_file = tmp_path / "recorder.log"
    config = tmp_path / "c.toml"
    config.write_text(
        f"[logger]\ndata_path = '{tmp_path / 'data'}'\nlog_file = '{log_file}'\n"
        "log_stderr = 'text'\n[http]\nenabled = false\n"
        "[exchanges.coinbase_advanced]\nsymbols = ['BTC-USD']\n"
        "ws_endpoint = 'ws://127.0.0.1:1'\nrest_endpoint = 'http://127.0.0.1:1'\n"
    )
    levels = {"TICK_LOGGER__LOGGER__LOG_LEVELS": "net=error"}
    with subprocess.Popen(
        command("--config", str(config)),
        env=ENVIRONMENT | levels,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        wait_for_words(log_file, "signing")
        process.send_signal(signal.SIGTERM)
        _, said = process.communicate(timeout=ENOUGH_SECS)
    lines = [json.loads(line) for line in log_file.read_text().splitlines()]
    events = {line["event"]: line for line in lines}
    assert {"connecting", "stopping", "stopped"} <= events.keys()
    assert events["signing"]["signed"] is False
    assert events["signing"]["explanation"] == "COINBASE_API_KEY is not in the environment"
    assert "unreachable" not in events  # of net, which has a level of its own
    assert all(f"] {each} " in said for each in ("connecting", "signing", "stopping", "stopped"))
    assert "\x1b" not in said
