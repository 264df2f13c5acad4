"""`archive keygen`, and `verify` with the key that it made."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest

from tests.archive.test_facts import DAY, three_days
from tests.archive.test_verifying import certified
from tick_logger.archive.signing import load_key
from tick_logger.cli.main import main
from tick_logger.storage.disk_files import DiskFiles


def test_a_key_is_made_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The private half is for nobody else to read, and neither half is ever overwritten."""
    file = tmp_path / "key.pem"
    assert main(["archive", "keygen", str(file)]) == 0
    out = capsys.readouterr().out
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert load_key(str(file)).id in out
    assert "PRIVATE" not in out
    assert b"PRIVATE" not in (tmp_path / "key.pem.pub").read_bytes()
    before = file.read_bytes()
    assert main(["archive", "keygen", str(file)]) == 2
    assert "never overwritten" in capsys.readouterr().err
    file.unlink()
    assert main(["archive", "keygen", str(file)]) == 2
    assert not file.exists()
    assert before
    assert main(["archive", "keygen", str(tmp_path / "no" / "key.pem")]) == 3
    assert "No such file" in capsys.readouterr().err


def test_verify_asks_for_the_key(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Its own is right, another's is a finding; and so is a day that was changed."""
    data, key = tmp_path / "data", tmp_path / "key.pem"
    three_days(data)
    for each in (key, tmp_path / "other.pem"):
        assert main(["archive", "keygen", str(each)]) == 0
    files = DiskFiles(data)
    certified(files, data, DAY, load_key(str(key)))
    files.close()
    capsys.readouterr()

    def findings(*more: str) -> list[str]:
        main(["verify", str(data), "--json", *more])
        found = json.loads(capsys.readouterr().out)["findings"]
        return [each["detail"] for each in found if each["kind"].startswith("certificate")]

    assert findings() == []
    assert findings("--key", f"{key}.pub") == []
    assert findings("--key", str(tmp_path / "other.pem.pub")) == ["it is signed by another key"]
    config = tmp_path / "my.toml"
    config.write_text(f'[archive]\nkey_file = "{tmp_path / "other.pem"}"\n')
    assert findings("--config", str(config)) == ["it is signed by another key"]
    assert main(["verify", str(data), "--key", str(tmp_path / "none")]) == 2
    capsys.readouterr()
    column = data / "venue/BTC-USD/TRADES/trade_size.29.11.26.bin"
    column.write_bytes(column.read_bytes()[:-1] + b"\x01")
    assert len(findings()) == 1
