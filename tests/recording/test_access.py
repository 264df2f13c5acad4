"""Files of an exchange belong to its group, past and future ones, and those of others do not."""

from __future__ import annotations

import grp
import os
import stat
from collections.abc import Iterator
from pathlib import Path

import attrs
import pytest
from structlog.testing import capture_logs

from tests.reader.recorded import Recorder
from tests.reader.test_rows import MS, trade
from tests.storage.sample import MIDNIGHT_NS
from tick_logger.config.schema import Config, ExchangeConfig, LoggerConfig
from tick_logger.errors import ConfigError
from tick_logger.model.cause import Cause
from tick_logger.model.flush import GapRecord
from tick_logger.model.tables import Table
from tick_logger.recording.access import give_access, giving
from tick_logger.storage.disk_files import DiskFiles
from tick_logger.storage.granting import grant

PLAIN = ExchangeConfig(ws_endpoint="ws://a", rest_endpoint="http://a")
NAMES = (("venue", "BTC-USD"), ("other", "XBT/USD"), ("venue", "NEW-USD"))


def some_group() -> grp.struct_group:
    """One that this process may give files to: not its own, where it may choose."""
    usual = os.getegid()
    if os.geteuid() == 0:
        return next(each for each in grp.getgrall() if each.gr_gid != usual)
    others = [each for each in os.getgroups() if each != usual]
    return grp.getgrgid((others or [usual])[0])


GROUP = some_group()


@pytest.fixture(autouse=True)
def _usual_umask() -> Iterator[None]:
    before = os.umask(0o022)
    yield
    os.umask(before)


def record(folder: Path, of: int = 0, hours: int = 0) -> None:
    """Rows, late rows and a hole of one instrument."""
    recorder = Recorder(folder, names=NAMES)
    recorder.write(Table.TRADES, [trade(1 + hours, hours * 3_600_000)], of=of)
    recorder.write(Table.TRADES, [trade(5 + hours, 10)], of=of, late=True)
    at = MIDNIGHT_NS + 20 * MS
    recorder.miss(GapRecord(of, Table.TRADES, 2, 3, at, at + MS, Cause.DISCONNECT))


def modes(folder: Path) -> dict[str, set[tuple[int, str]]]:
    """Group and mode of all files, and of all folders, below this one and of itself."""
    found: dict[str, set[tuple[int, str]]] = {"files": set(), "folders": set()}
    for path in [folder, *folder.rglob("*")]:
        is_ = path.stat()
        kind = "folders" if path.is_dir() else "files"
        found[kind].add((is_.st_gid, f"{stat.S_IMODE(is_.st_mode):o}"))
    return found


def give(folder: Path, *, file_group: str = "", file_mode: str = "") -> None:
    """As a recorder does at its start, with these keys for one of two exchanges."""
    venue = attrs.evolve(PLAIN, file_group=file_group, file_mode=file_mode)
    give_access(str(folder), {"venue": venue, "other": PLAIN})


@pytest.mark.parametrize(
    ("keys", "gid", "file", "folder"),
    [
        ({"file_group": GROUP.gr_name}, GROUP.gr_gid, "640", "2750"),
        ({"file_group": GROUP.gr_name, "file_mode": "0644"}, GROUP.gr_gid, "644", "2755"),
        ({"file_mode": "0600"}, os.getegid(), "600", "2700"),
    ],
)
def test_every_file_of_an_exchange(
    keys: dict[str, str], gid: int, file: str, folder: str, tmp_path: Path
) -> None:
    """What was there, and what comes: of another day, another table, another symbol, late, gaps,
    and what is put in the place of something; by whomever, without a configuration."""
    record(tmp_path)
    record(tmp_path, of=1)
    before = modes(tmp_path / "other")
    give(tmp_path, **keys)
    expected = {"files": {(gid, file)}, "folders": {(gid, folder)}}
    assert modes(tmp_path / "venue") == expected
    record(tmp_path, hours=30)
    record(tmp_path, of=2)
    files = DiskFiles(tmp_path)
    for number in (1, 2):
        files.replace("venue/certificate.01.02.24.1.json", b"{}" * number)
    files.append("venue/moved", b"x")
    files.rename("venue/moved", "venue/EVER/NEW/moved")
    files.close()
    assert modes(tmp_path / "venue") == expected
    assert modes(tmp_path / "other") == before


def test_a_start_finds_that_nothing_is_to_be_done(tmp_path: Path) -> None:
    """And looks at no file for that; another mode is given to all again."""
    record(tmp_path)
    with capture_logs() as logs:
        give(tmp_path, file_mode="0640")
        give(tmp_path, file_mode="0640")
        give(tmp_path, file_mode="0644")
    given = [(line["event"], line["mode"], line["exchange"]) for line in logs]
    assert given == [("access_given", each, "venue") for each in ("0640", "0644")]
    assert modes(tmp_path / "venue")["files"] == {(os.getegid(), "644")}


def test_an_exchange_that_was_never_recorded(tmp_path: Path) -> None:
    """Gets its folder at once, so that nobody meets its first files."""
    give(tmp_path, file_mode="0600")
    record(tmp_path)
    assert modes(tmp_path / "venue")["files"] == {(os.getegid(), "600")}


def test_what_was_interrupted_is_done_again(tmp_path: Path) -> None:
    """The folder itself, by which it is known, comes last."""
    record(tmp_path)

    def cut() -> None:
        raise OSError(5, "Input/output error")

    with pytest.raises(OSError, match="Input/output error"):
        grant(str(tmp_path), "venue", None, 0o600, cut)
    assert grant(str(tmp_path), "venue", None, 0o600, lambda: None) == 1
    assert grant(str(tmp_path), "venue", None, 0o600, lambda: None) == 0
    assert modes(tmp_path / "venue")["files"] == {(os.getegid(), "600")}


def test_links_and_what_they_lead_to_stay_as_they_are(tmp_path: Path) -> None:
    """Somebody may have put one there."""
    record(tmp_path / "data")
    (tmp_path / "mine").write_text("x")
    (tmp_path / "mine").chmod(0o604)
    (tmp_path / "data" / "venue" / "link").symlink_to(tmp_path / "mine")
    give(tmp_path / "data", file_mode="0600")
    assert stat.S_IMODE((tmp_path / "mine").stat().st_mode) == 0o604


def test_what_the_system_does_not_allow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ends the start with the key and the reason."""

    def refuse(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "chmod", refuse)
    with pytest.raises(ConfigError) as caught:
        give(tmp_path, file_mode="0600")
    reason = "cannot be given: Operation not permitted"
    assert caught.value.problems == [("exchanges.venue.file_mode", reason)]


@pytest.mark.parametrize(
    ("mode", "journal", "warned"),
    [("0640", 0o755, True), ("0640", 0o750, False), ("0644", 0o755, False)],
)
def test_a_journal_that_everybody_may_read(
    mode: str, journal: int, warned: bool, tmp_path: Path
) -> None:
    """Holds what only a group may have: that is said at each start."""
    (tmp_path / "journal").mkdir()
    (tmp_path / "journal").chmod(journal)
    with capture_logs() as logs:
        give(tmp_path, file_mode=mode)
    found = [line["exchanges"] for line in logs if line["event"] == "journal_open_to_all"]
    assert found == ([["venue"]] if warned else [])


def test_nothing_is_given_where_nothing_is_wanted(tmp_path: Path) -> None:
    """No thread is asked, and no folder made."""
    config = Config(logger=LoggerConfig(data_path=str(tmp_path)), exchanges={"venue": PLAIN})
    assert giving(config) is None
    wanted = attrs.evolve(config, exchanges={"venue": attrs.evolve(PLAIN, file_mode="0644")})
    assert giving(wanted) is not None
