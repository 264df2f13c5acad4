"""The command `replay`: what it says, what it refuses, and that a recorder can use it."""

from __future__ import annotations

import shutil
import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import trio
from trio_websocket import open_websocket_url

from tests.playback.recorded import record_simulated
from tests.playback.sockets import to_disk
from tests.service.processes import ENOUGH_SECS, ENVIRONMENT, command
from tests.service.world import in_virtual_time
from tick_logger.cli.main import main
from tick_logger.exchanges import registry
from tick_logger.exchanges.base import Exchange, Subscription

NAME, OTHER = "okx", "kraken"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Five seconds of an exchange."""
    found = tmp_path_factory.mktemp("replayed")
    to_disk(in_virtual_time(record_simulated, NAME, 5.123), found)
    return found


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nowhere"], "replay: no exchange is named nowhere; available: "),
        ([OTHER], f"replay: the journal has nothing of {OTHER}; it has {NAME}"),
        ([NAME, "--port", "65536"], "--port: must be between 0 and 65535, not 65536"),
        ([NAME, "--speed", "0"], '--speed: must be a number above zero, or "max" for as fast'),
        ([NAME, "--speed", "nan"], "--speed: must be a number above zero"),
        ([NAME, "--speed", "fast"], "--speed: must be a number above zero"),
        ([NAME, "--from", "soon"], "--from: 'soon' is no time"),
        (
            [NAME, "--from", "2020-01-01"],
            f"--from: the journal has {NAME} from 2026-09-22T12:00:0",
        ),
        ([NAME, "--from", "2030-01-01"], "until 2026-09-22T12:00:0"),
    ],
)
def test_what_is_refused(
    folder: Path, arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """In words, with exit code 2."""
    assert main(["replay", str(folder), *arguments]) == 2
    told = capsys.readouterr().err
    assert told.startswith("tick_logger cannot replay that:\n")
    assert said in told


def test_a_recording_without_its_journal(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """It was pruned, or somebody removed it: nothing else has the messages."""
    shutil.copytree(folder, tmp_path / "copy")
    shutil.rmtree(tmp_path / "copy" / "journal")
    assert main(["replay", str(tmp_path / "copy"), NAME]) == 2
    assert "there is no journal: it was pruned or removed" in capsys.readouterr().err


def test_rows_that_are_gone(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """They tell what was subscribed to."""
    shutil.copytree(folder, tmp_path / "copy")
    shutil.rmtree(tmp_path / "copy" / NAME)
    assert main(["replay", str(tmp_path / "copy"), NAME]) == 2
    assert f"there are no rows of {NAME} beside the journal" in capsys.readouterr().err


def test_a_port_that_is_taken(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """As everywhere."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert main(["replay", str(folder), NAME, "--port", str(port)]) == 2
    assert "--port: cannot be listened on: Address already in use" in capsys.readouterr().err


@contextmanager
def replaying(folder: Path, *options: str) -> Iterator[subprocess.Popen[str]]:
    """The command as a process, killed in the end if it still runs."""
    with subprocess.Popen(
        command("replay", str(folder), NAME, *options),
        env=ENVIRONMENT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_says_where_and_how_it_ends(folder: Path, number: signal.Signals) -> None:
    """A client subscribes as the recorder does, hears all there is of that, and is told so."""
    exchange = registry.get(NAME)
    with replaying(folder, "--speed", "max") as process:
        assert process.stdout is not None
        first = process.stdout.readline()
        assert first.startswith(f"Replaying {NAME} from 2026-09-22T12:00:0")
        assert "as fast as clients read" in first
        assert "Ctrl-C" in process.stdout.readline()
        url = next(word.rstrip(".,") for word in first.split() if word.endswith("/business"))
        heard = trio.run(_hear, url, exchange)
        assert "The journal ends here, at 2026-09-22T12:00:05" in process.stdout.readline()
        process.send_signal(number)
        out, err = process.communicate(timeout=ENOUGH_SECS)
    assert process.returncode == 0
    assert err == ""
    assert out.startswith(f"Sent {heard:,} messages on 1 connection, until 2026-09-22T12:00:05")


async def _hear(url: str, exchange: Exchange) -> int:
    """Subscribe to the trades of everything; how many messages came until nothing more did."""
    heard = 0
    async with open_websocket_url(url) as connection:
        wanted = [Subscription(symbol, "trades") for symbol in ("BTC-USDT", "ETH-USDT")]
        for request in exchange.subscribe(wanted, 1):
            await connection.send_message(request.text)
        with trio.fail_after(ENOUGH_SECS):
            while True:
                patience = 2.0 if heard else ENOUGH_SECS
                with trio.move_on_after(patience) as scope:
                    message = await connection.get_message()
                    heard += b'"data"' in (
                        message if isinstance(message, bytes) else message.encode()
                    )
                if scope.cancelled_caught:
                    return heard
