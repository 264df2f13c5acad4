"""What is wrong with an archive is found, each thing by its name."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.reader.kept import Kept, write
from tests.storage.sample import DAY
from tick_logger.archive.inspecting import Verified, verify
from tick_logger.archive.signing import Key, new_key
from tick_logger.archive.signing import load_key as key_of
from tick_logger.cli.main import main
from tick_logger.reader.tree import DiskTree

TRADES = "data/table=trades/exchange=venue/date=2024-02-01"


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Kept:
    """Three days of two exchanges, signed."""
    folder = tmp_path_factory.mktemp("whole")
    kept = Kept(folder / "data", folder / "archive", _key(folder, "one"))
    write(kept)
    kept.pack_all()
    kept.certify(DAY, objects=_objects(kept))
    return kept


def _key(folder: Path, name: str) -> Key:
    private, public = new_key()
    (folder / f"{name}.pem").write_bytes(private)
    (folder / f"{name}.pub").write_bytes(public)
    (folder / f"{name}.pem").chmod(0o600)
    return key_of(str(folder / f"{name}.pem"))


def _objects(kept: Kept) -> dict[str, str]:
    lines = (kept.root / "meta/venue/SHA256SUMS.2024-02-01").read_text().splitlines()
    return {line.partition("  ")[2]: line.partition("  ")[0] for line in lines}


def found(kept: Kept) -> Verified:
    assert kept.key is not None
    return verify(DiskTree(kept.root), kept.key.public)


def test_a_whole_archive_has_no_findings(whole: Kept) -> None:
    """And all of it was looked at."""
    done = found(whole)
    assert done.findings == []
    assert (done.objects, done.certificates) == (36, 7)


def test_each_change_is_found(whole: Kept, tmp_path: Path) -> None:
    """A byte, an object, a list, a certificate, a name, and one who signs with another key."""
    meta = "meta/venue/certificate.2024-02-01.1.json"
    changes: list[tuple[Callable[[Path, Path], object], str]]
    changes = (
        [
            (lambda root, one: one.write_bytes(one.read_bytes() + b"x"), "as its name says"),
            (lambda root, one: one.unlink(), "the ledger has it, and it is not there"),
            (lambda root, one: one.with_name("x.parquet").touch(), "x.parquet: it is empty"),
            (lambda root, one: (root / meta).unlink(), "it is not there"),
            (lambda root, one: (root / meta).write_text("{}"), "no signed document"),
            (lambda root, one: one.rename(one.with_name("there-" + "0" * 12 + ".parquet")),
             "as its name says"),
        ]
    )  # fmt: skip
    for number, (change, words) in enumerate(changes):
        copy = whole.copy(tmp_path / str(number))
        (one,) = (copy.root / TRADES).iterdir()
        change(copy.root, one)
        assert any(words in each for each in found(copy).findings), words
    other = _key(tmp_path, "other")
    findings = verify(DiskTree(whole.root), other.public).findings
    assert len(findings) >= 7
    assert verify(DiskTree(whole.root)).findings == []


def test_the_command(whole: Kept, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Its words, its exit codes, and JSON."""
    key = whole.data.parent / "one.pub"
    assert main(["archive", "verify", str(whole.root), "--key", str(key)]) == 0
    assert "36 objects of" in capsys.readouterr().out
    copy = whole.copy(tmp_path / "copy")
    (one,) = (copy.root / TRADES).iterdir()
    one.unlink()
    assert main(["archive", "verify", str(copy.root), "--json"]) == 1
    assert len(json.loads(capsys.readouterr().out)["findings"]) >= 1
    assert main(["archive", "verify", str(tmp_path)]) == 2
    assert "there is no archive at" in capsys.readouterr().err
