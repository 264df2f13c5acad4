"""The command `doctor` as a user types it, in a real process, with simulators and with nobody."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
import trio

from tests.doctor.looked import say_nothing, server, simulator
from tick_logger.cli.main import main

ROOT = Path(__file__).parents[2]
FEEDS = ("ticker", "trades")


def write(path: Path, places: Mapping[str, str], more: str = "") -> str:
    """A configuration with these exchanges at these places."""
    text = f"[logger]\ndata_path = '{path}/data'\n[http]\nport = 0\n"
    for name, place in places.items():
        rest = place.replace("ws", "http", 1)
        text += f"[exchanges.{name}]\nws_endpoint = '{place}'\nrest_endpoint = '{rest}'\n{more}"
    file = path / "my.toml"
    file.write_text(text)
    return str(file)


async def run(*arguments: str) -> subprocess.CompletedProcess[bytes]:
    """The command in a process of its own."""
    return await trio.run_process(
        [sys.executable, "-m", "tick_logger", "doctor", *arguments],
        capture_stdout=True,
        capture_stderr=True,
        check=False,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )


@pytest.mark.slow
async def test_exchanges_that_can_be_recorded(tmp_path: Path) -> None:
    """Exit code 0, a line for each thing, 80 columns, and nothing on disk."""
    async with simulator("coinbase") as (_, one), simulator("kraken") as (_, other):
        file = write(tmp_path, {"coinbase": one, "kraken": other})
        done = await run("--config", file)
    text = done.stdout.decode()
    assert (done.returncode, done.stderr) == (0, b""), text
    assert max(map(len, text.splitlines())) <= 80
    titles = [line for line in text.splitlines() if line and not line.startswith(" ")]
    assert titles[0] == "machine"
    assert {"coinbase", "kraken"} < set(titles)
    assert titles[-1].startswith("0 wrong, ")
    for feed in FEEDS:
        assert sum(line.startswith(f"  {feed} ") for line in text.splitlines()) == 2
    assert not (tmp_path / "data").exists()


@pytest.mark.slow
async def test_offline(tmp_path: Path) -> None:
    """Each venue's step and reason, side by side: two that hang take no longer than one."""
    async with server(say_nothing) as place:
        names = ("coinbase", "kraken", "okx", "binance")
        places = dict.fromkeys(names, f"ws://{place}") | {"upbit": "ws://nowhere.invalid"}
        file = write(tmp_path, places)
        began = trio.current_time()
        done = await run("--config", file, "--json")
        took = trio.current_time() - began
    found = json.loads(done.stdout)
    assert (done.returncode, found["fine"]) == (1, False)
    sections = {each["name"]: each["lines"] for each in found["sections"]}
    assert list(sections) == ["machine", *places]
    wrong = {
        name: [line["name"] for line in lines if line["state"] == "wrong"]
        for name, lines in sections.items()
    }
    assert wrong["upbit"] == ["DNS", "REST"]
    assert all(wrong[name] == ["WebSocket", "REST"] for name in names)
    assert all(
        line["advice"] for lines in sections.values() for line in lines if line["state"] == "wrong"
    )
    assert took < 4 * 9.0, "one after the other"


def test_wrong_usage(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Exit code 2, and nothing is looked at."""
    file = write(tmp_path, {"coinbase": "ws://127.0.0.1:1"}, "sybols = ['X']\n")
    assert main(["doctor", "--config", file]) == 2
    output = capsys.readouterr()
    assert output.out == ""
    assert output.err.startswith("tick_logger has looked at nothing:\n")
    assert "exchanges.coinbase.sybols: " in output.err
    assert main(["doctor", "--seconds", "0"]) == 2
    assert "--seconds: must be a number above zero, not 0" in capsys.readouterr().err


def test_a_file_of_certificates_that_holds_none(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """It is a line like any other."""
    (tmp_path / "ca.pem").write_text("none")
    more = f"ca_file = '{tmp_path}/ca.pem'\n"
    file = write(tmp_path, {"coinbase": "wss://127.0.0.1:1"}, more)
    assert main(["doctor", "--config", file, "--json"]) == 1
    (_, section) = json.loads(capsys.readouterr().out)["sections"]
    assert [(line["name"], line["state"]) for line in section["lines"]] == [("ca_file", "wrong")]
