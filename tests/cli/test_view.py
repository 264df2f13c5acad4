"""The command `view`: a recording in the browser."""

from __future__ import annotations

import signal
import urllib.request
from pathlib import Path

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from tests.reader.recorded import Recorder
from tests.reader.test_rows import trade
from tick_logger.cli.main import main
from tick_logger.cli.viewing import show
from tick_logger.errors import ConfigError
from tick_logger.model.tables import Table


async def test_it_serves_until_it_is_told_to_end(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """It says its address, answers there, and SIGTERM ends it with exit code 0."""
    Recorder(tmp_path).write(Table.TRADES, [trade(1, 0)])
    codes: list[int] = []

    async def view() -> None:
        codes.append(await show(tmp_path, 0))

    async with trio.open_nursery() as nursery:
        nursery.start_soon(view)
        await wait_all_tasks_blocked()
        said = capsys.readouterr().out
        assert said.startswith(f"Showing {tmp_path}: http://127.0.0.1:")
        assert said.endswith("/ until Ctrl-C.\n")
        address = said.split(": ")[1].split(" ")[0]
        found = await trio.to_thread.run_sync(_get, f"{address}api/recorded/symbols")
        assert b'"symbol":"BTC-USD"' in found
        signal.raise_signal(signal.SIGTERM)
    assert codes == [0]


async def test_a_port_that_is_taken(tmp_path: Path) -> None:
    """A calm refusal that names the option."""
    (listener,) = await trio.open_tcp_listeners(0, host="127.0.0.1")
    async with listener:
        port = listener.socket.getsockname()[1]
        with pytest.raises(ConfigError, match=r"--port: .*in use; --port 0 takes any free one"):
            await show(tmp_path, port)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["nowhere"], "there is no such directory"),
        (["data/venue"], "did you mean data?"),
        (["data", "--port", "70000"], "must be between 0 and 65535, not 70000"),
    ],
)
def test_wrong_usage(
    arguments: list[str],
    words: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Exit code 2, and nothing is served."""
    Recorder(tmp_path / "data").write(Table.TRADES, [trade(1, 0)])
    monkeypatch.chdir(tmp_path)
    assert main(["view", *arguments]) == 2
    said = capsys.readouterr().err
    assert said.startswith("tick_logger cannot show that:\n")
    assert words in said.replace(str(tmp_path) + "/", "")


def _get(address: str) -> bytes:
    with urllib.request.urlopen(address, timeout=5) as answer:
        return bytes(answer.read())
