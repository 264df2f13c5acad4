"""The command line: exit codes, what is said, and that nothing is touched before all is right."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import structlog
import trio
from trio.testing import wait_all_tasks_blocked

from tick_logger.cli.demo import fresh_directory, run_simulated
from tick_logger.cli.main import main
from tick_logger.config.environ import SHORT_NAMES
from tick_logger.errors import ConfigError
from tick_logger.exchanges import registry
from tick_logger.model.tables import SPECS, Table
from tick_logger.storage.disk_files import DiskFiles
from tick_logger.version import __version__

ROOT = Path(__file__).parents[2]
NAME = registry.available()[0]


@pytest.fixture(autouse=True)
def _alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """An empty working directory, and no variables of whoever runs the tests."""
    for variable in os.environ:
        if variable.startswith("TICK_LOGGER__") or variable in {*SHORT_NAMES, "CONFIG_PATH"}:
            monkeypatch.delenv(variable)
    monkeypatch.chdir(tmp_path)
    yield
    structlog.reset_defaults()


def run(*command: str) -> subprocess.CompletedProcess[str]:
    """A real process in the present directory."""
    return subprocess.run(
        [sys.executable, *command],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=60,
    )


# -- usage ----------------------------------------------------------------------------------------


def test_version_and_help(capsys: pytest.CaptureFixture[str]) -> None:
    """Both are answered, with exit code 0."""
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"{__version__}\n"
    assert main(["--help"]) == 0
    text = capsys.readouterr().out
    assert all(word in text for word in ("demo", "simulate", "check-config", "verify", "--config"))


def test_help_loads_nothing_heavy() -> None:
    """A question about usage does not wait for numpy or trio."""
    done = run(
        "-c",
        "import sys; from tick_logger.cli.main import main; main(['demo', '--help']);"
        "sys.exit(','.join({'trio', 'numpy', 'httpx2', 'cattrs'} & set(sys.modules)) or 0)",
    )
    assert done.returncode == 0, done.stderr
    assert "--duration" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--confg", "x"], "usage: Unknown option: --confg. Did you mean --config?"),
        (["recrod"], "usage: unexpected: recrod; did you mean record or recover?"),
        (["sim", "x"], "usage: unexpected: sim x; did you mean simulate?"),
        (
            ["zzz"],
            "usage: unexpected: zzz; there are the commands ",
        ),
        (["demo", "verify"], "usage: unexpected: verify\n"),
        (["check-config"], "check-config: give the TOML file, or name it in CONFIG_PATH"),
        (["simulate", NAME, "--port", "x"], 'unable to convert "x" into int'),
        (["simulate", NAME, "--port", "65536"], "--port: must be between 0 and 65535, not 65536"),
        (["simulate", "nowhere"], "simulate: no exchange named nowhere can be simulated"),
        (["demo", "--duration", "0"], "--duration: must be a number above zero, not 0"),
        (["demo", "--duration", "inf"], "--duration: must be a number above zero, not inf"),
        (["demo", "--rate", "-1"], "--rate: must be a number above zero, not -1"),
        (["demo", "--data-path", ""], "--data-path: must not be empty"),
        (["--config", "nowhere.toml"], "nowhere.toml: cannot be read: No such file or directory"),
        (["--data-path", ""], "logger.data_path: must not be empty (set by --data-path)"),
    ],
)
def test_wrong_usage(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """Exit code 2, the reason on standard error, and nothing touched."""
    assert main(arguments) == 2
    output = capsys.readouterr()
    would = arguments[0] == "check-config"
    title = "would not start with this configuration" if would else "did not start"
    assert output.err.startswith(f"tick_logger {title}:\n  ")
    assert said in output.err
    assert output.out == ""
    assert list(tmp_path.iterdir()) == []


def test_several_wrong_options_are_named_together(capsys: pytest.CaptureFixture[str]) -> None:
    """Not one at a time."""
    assert main(["demo", "--duration", "0", "--rate", "nan"]) == 2
    assert capsys.readouterr().err.splitlines() == [
        "tick_logger did not start:",
        "  --duration: must be a number above zero, not 0",
        "  --rate: must be a number above zero, not nan",
    ]


def test_a_wrong_configuration_stops_the_process_before_it_starts(tmp_path: Path) -> None:
    """In a real process: exit code 2, every problem, no stack trace, no file made."""
    file = tmp_path / "c.toml"
    file.write_text("[logger]\nlinger_ms = -1\ndata_pth = 'x'\n")
    done = run("-m", "tick_logger", "--config", "c.toml")
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.splitlines()[0] == "tick_logger did not start:"
    assert [line.split(":")[0] for line in done.stderr.splitlines()[1:]] == [
        "  logger.linger_ms",
        "  logger.data_pth",
    ]
    assert list(tmp_path.iterdir()) == [file]


def test_problems_have_lines_and_keys_a_home(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """Where it stands, and where a key that is known elsewhere belongs."""
    (tmp_path / "c.toml").write_text(
        'price_dtype = "f8"\n\n[http]\nport = "x"  # no number\nlinger_ms = 3\n\n'
        '[logger]\ntoken = "a"\n[exchanges.coinbase]\nsymbols = 7\nlog_level = "info"\n'
    )
    assert main(["check-config", "c.toml"]) == 2
    title, *lines = capsys.readouterr().err.splitlines()
    assert title == "tick_logger would not start with this configuration:"
    assert sorted(line.split(":")[0].strip() for line in lines) == [
        *("exchanges.coinbase.log_level", "exchanges.coinbase.symbols"),
        *("http.linger_ms", "http.port", "logger.token", "price_dtype"),
    ]
    for said in (
        "price_dtype: is unknown here; it belongs under [logger] (line 1)",
        "http.linger_ms: is unknown here; it belongs under [logger] (line 5)",
        "logger.token: is unknown here; it belongs under [http] (line 8)",
        "exchanges.coinbase.log_level: is unknown here; it belongs under [logger] (line 11)",
    ):
        assert f"  {said}" in lines
    assert any(line.startswith("  http.port: ") and line.endswith(" (line 4)") for line in lines)


# -- check-config ---------------------------------------------------------------------------------


def test_check_config_prints_what_holds(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Defaults and environment included; what is printed prints itself again."""
    (tmp_path / "c.toml").write_text(f"[exchanges.{NAME}]\nsymbols = ['BTC*']\n")
    monkeypatch.setenv(f"TICK_LOGGER__EXCHANGES__{NAME.upper()}__MAX_CONNECTIONS", "3")
    assert main(["check-config", "c.toml"]) == 0
    printed = capsys.readouterr().out
    assert f"[exchanges.{NAME}]\n" in printed
    assert 'symbols = ["BTC*"]\n' in printed
    assert "max_connections = 3\n" in printed
    assert f'ws_endpoint = "{registry.get(NAME).ws_endpoint}"\n' in printed
    monkeypatch.undo()
    (tmp_path / "again.toml").write_text(printed)
    assert main(["check-config", str(tmp_path / "again.toml")]) == 0
    assert capsys.readouterr().out == printed


@pytest.mark.parametrize("name", registry.available())
def test_check_config_says_which_feeds_cannot_be_apart(
    name: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """With the reason; where they are to be together, or one of them is not wished, it doesn't."""
    shared = registry.get(name).shared_channels
    every = sorted(registry.get(name).feeds)
    few = [feed for feed in every if not any(feed in channel for channel in shared)]
    for feeds, how in ((every, "apart"), (every, "together"), (few, "apart")):
        text = f"[exchanges.{name}]\nfeeds = {feeds}\nfeeds_per_connection = '{how}'\n"
        (tmp_path / "c.toml").write_text(text)
        assert main(["check-config", str(tmp_path / "c.toml")]) == 0
        said = [line for line in capsys.readouterr().out.splitlines() if "share connect" in line]
        is_said = feeds is every and how == "apart"
        assert [line.partition(" share")[0] for line in said] == [
            f"# {name}: {' and '.join(sorted(channel))}" for channel in shared if is_said
        ]


def test_a_reader_who_leaves_is_no_error_worth_a_stack_trace() -> None:
    """`tick_logger ... | head` ends quietly."""
    ours, theirs = os.pipe()
    os.close(ours)
    done = subprocess.run(
        [sys.executable, "-m", "tick_logger", "check-config", ROOT / "config/tick_logger.toml"],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=theirs,
        stderr=subprocess.PIPE,
        timeout=60,
    )
    os.close(theirs)
    assert done.returncode == 1
    assert done.stderr == b""


# -- verify ---------------------------------------------------------------------------------------


def write_day(root: Path) -> Path:
    """One row of one table on 1970-01-01, all zeros; returns its folder."""
    folder = root / NAME / "A" / Table.QUOTES
    folder.mkdir(parents=True)
    for column in SPECS[Table.QUOTES].files:
        if column.late_only:
            continue
        np.zeros(1, column.numpy_dtype("f4")).tofile(folder / f"{column.name}.01.01.70.bin")
    return folder


def test_verify_of_a_sound_recording(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """Exit code 0, and the totals."""
    write_day(tmp_path)
    assert main(["verify", "."]) == 0
    said = "all promises hold: 1 rows in 1 table-days of 1 symbols and 1 exchanges\n"
    assert capsys.readouterr().out == said


def test_verify_of_a_damaged_recording(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """Exit code 1, one line per finding and one of totals."""
    folder = write_day(tmp_path)
    (folder / "best_bid.01.01.70.bin").write_bytes(b"\0\0\0")
    (tmp_path / "\x1b[2J").write_text("not ours")
    assert main(["verify", "."]) == 1
    *lines, total = capsys.readouterr().out.splitlines()
    assert any(f"{NAME}/A/QUOTES" in line and "best_bid" in line for line in lines)
    assert lines[-1] == "note: \\x1b[2J: no part of a recording"
    assert total.startswith(f"{len(lines) - 1} findings: ")


def test_verify_as_json(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """One JSON object that says the same, with the same exit codes."""
    folder = write_day(tmp_path)
    assert main(["verify", ".", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["ok"] is True
    (folder / "best_bid.01.01.70.bin").unlink()
    assert main(["verify", ".", "--json"]) == 1
    report = json.loads(capsys.readouterr().out)
    assert report["ok"] is False
    assert len(report["findings"]) >= 1


def test_verify_where_nothing_is_recorded(capsys: pytest.CaptureFixture[str]) -> None:
    """An empty directory is not a recording whose promises hold."""
    assert main(["verify", "."]) == 1
    assert capsys.readouterr().out == "nothing is recorded here\n"


@pytest.mark.parametrize("command", ["verify", "recover"])
def test_a_directory_that_is_not_there(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    """A path that was mistyped is a mistake of usage."""
    assert main([command, "nowhere"]) == 2
    done = {"verify": "checked", "recover": "recovered"}[command]
    said = f"tick_logger has {done} nothing:\n  nowhere: there is no such directory\n"
    assert capsys.readouterr().err == said


def test_verify_of_another_place_says_what_that_is(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """A folder or file inside a recording, or around some: exit code 2, and what was meant."""
    folder = write_day(tmp_path / "all" / "mine")
    root = tmp_path / "all" / "mine"
    part = "this is no recording but a part of one; did you mean"
    for path, said in (
        (folder, f"{part} {root}?"),
        (folder.parent, f"{part} {root}?"),
        (folder.parent.parent, f"{part} {root}?"),
        (root.parent, f"but there are some in it; did you mean {root}?"),
        (tmp_path, f"but there are some in it; did you mean {root}?"),
        (folder / "best_bid.01.01.70.bin", f"a file of the recording in {root}"),
    ):
        for command in ("verify", "recover"):
            assert main([command, str(path)]) == 2
            output = capsys.readouterr()
            assert (output.out, said in output.err) == ("", True), output.err
    (tmp_path / "README").write_text("words")
    assert main(["verify", "README"]) == 2
    assert capsys.readouterr().err.endswith("README: this is a file, and no directory\n")
    assert main(["verify", str(root)]) == 0


# -- recover --------------------------------------------------------------------------------------


def test_recover_where_nothing_is_behind(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """Column files without a journal are as they should be, and stay as they are."""
    folder = write_day(tmp_path)
    before = {path: path.read_bytes() for path in folder.iterdir()}
    assert main(["recover", "."]) == 0
    said = "recovered 0 rows from 0 messages in the journal; 0 bytes at its end were torn\n"
    assert capsys.readouterr().out == said
    assert {path: path.read_bytes() for path in folder.iterdir()} == before
    assert main(["verify", "."]) == 0
    capsys.readouterr()
    assert main(["verify", ".", "--deep"]) == 1
    said = "nothing was compared with the journal (there is no journal); all else holds: 1 rows "
    assert capsys.readouterr().out.splitlines()[-1].startswith(said)


def test_recover_a_directory_in_use(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """Somebody who records there is left alone."""
    recorder = DiskFiles(str(tmp_path))
    recorder.prepare()
    recorder.lock("journal/lock")
    try:
        assert main(["recover", "."]) == 2
    finally:
        recorder.close()
    assert "another process records into ." in capsys.readouterr().err


# -- demo and simulate ----------------------------------------------------------------------------


@pytest.mark.slow
def test_demo(capsys: pytest.CaptureFixture[str]) -> None:
    """The unchanged service records from simulated exchanges, ends by itself, says where."""
    assert main(["demo", "--duration", "3", "--rate", "500"]) == 0
    output = capsys.readouterr()
    folder = Path.cwd() / "data-demo"
    assert output.out.splitlines()[-1] == f"  tick_logger verify {folder}"
    assert json.loads(output.err.splitlines()[-1])["event"] == "stopped"
    assert main(["verify", str(folder)]) == 0


def test_fresh_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Never one that exists; a temporary one where none can be made."""
    names = [fresh_directory(tmp_path).name for _ in range(3)]
    assert names == ["data-demo", "data-demo-2", "data-demo-3"]
    (tmp_path / "file").touch()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    fallback = fresh_directory(tmp_path / "file")
    assert fallback.parent == tmp_path
    assert fallback.is_dir()
    assert fallback.name not in names


async def test_simulate_serves_until_it_is_told_to_end(capsys: pytest.CaptureFixture[str]) -> None:
    """It says its address, answers there, and SIGTERM ends it with exit code 0."""
    codes: list[int] = []

    async def simulate() -> None:
        codes.append(await run_simulated(NAME, port=0, rate=100.0, symbols=None))

    async with trio.open_nursery() as nursery:
        nursery.start_soon(simulate)
        await wait_all_tasks_blocked()
        said = capsys.readouterr().out
        port = int(said.split("ws://127.0.0.1:")[1].split(" ")[0])
        async with await trio.open_tcp_stream("127.0.0.1", port) as stream:
            await stream.send_all(b"GET /nothing HTTP/1.1\r\nHost: x\r\n\r\n")
            assert (await stream.receive_some(1000)).startswith(b"HTTP/1.1 404 ")
        signal.raise_signal(signal.SIGTERM)
    assert codes == [0]


async def test_simulate_on_a_port_that_is_taken() -> None:
    """A calm refusal that names the port option."""
    (listener,) = await trio.open_tcp_listeners(0, host="127.0.0.1")
    async with listener:
        port = listener.socket.getsockname()[1]
        with pytest.raises(ConfigError, match=r"--port: cannot be listened on: .*in use"):
            await run_simulated(NAME, port=port, rate=100.0, symbols=None)


def test_record_may_be_said(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """It is what the program does without a command."""
    missing = tmp_path / "missing.toml"
    refused = [
        (main([*command, "--config", str(missing)]), capsys.readouterr().err)
        for command in ([], ["record"])
    ]
    assert refused[0] == refused[1]
    assert refused[0][0] == 2
