"""Whether requests are signed: said once for each exchange that could be, and never the key."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from tick_logger.cli.main import main

NAME = "organizations/a1/apiKeys/b2"
PEM = (
    ec.generate_private_key(ec.SECP256R1())
    .private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    .decode()
)


def checked(
    exchange: str, environ: dict[str, str], where: tuple[Path, pytest.MonkeyPatch]
) -> tuple[int, Path]:
    """The exit code of `check-config` for a file with this exchange alone."""
    folder, monkeypatch = where
    (folder / "c.toml").write_text(f"[exchanges.{exchange}]\n")
    for variable in ("COINBASE_API_KEY", "COINBASE_API_SECRET", "COINBASE_API_SECRET_FILE"):
        monkeypatch.delenv(variable, raising=False)
    for variable, value in environ.items():
        monkeypatch.setenv(variable, value)
    return main(["check-config", str(folder / "c.toml")]), folder


@pytest.mark.parametrize(
    ("exchange", "has_key", "said"),
    [
        ("coinbase_advanced", True, "requests are signed: COINBASE_API_KEY is in the environment"),
        (
            "coinbase_advanced",
            False,
            "requests are not signed: COINBASE_API_KEY is not in the environment",
        ),
        (
            "coinbase",
            True,
            "requests are not signed: COINBASE_API_KEY is for coinbase_advanced alone, "
            "which is not recorded",
        ),
        ("coinbase", False, ""),
        ("kraken", False, ""),
    ],
)
def test_check_config_says_whether_requests_are_signed(
    exchange: str,
    has_key: bool,
    said: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    """As a comment; neither the key nor its name is in it."""
    key = {"COINBASE_API_KEY": NAME, "COINBASE_API_SECRET": PEM} if has_key else {}
    code, _ = checked(exchange, key, (tmp_path, monkeypatch))
    printed = capsys.readouterr().out
    comments = [line for line in printed.splitlines() if line.startswith("# ")]
    assert code == 0
    assert comments == ([f"# coinbase_advanced: {said}"] if said else [])
    assert NAME not in printed
    assert not any(line in printed for line in PEM.splitlines())


def test_a_key_that_is_none_is_a_mistake_in_the_configuration(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Found before a start, with the variable and without what it holds."""
    key = {"COINBASE_API_KEY": NAME, "COINBASE_API_SECRET": json.dumps("very secret")}
    code, _ = checked("coinbase_advanced", key, (tmp_path, monkeypatch))
    said = capsys.readouterr().err
    assert code == 2
    assert "COINBASE_API_SECRET: is not a private key in PEM form" in said
    assert "very secret" not in said
