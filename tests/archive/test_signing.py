"""Signed documents: by an independent reading of the format, and forged in every way."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from tick_logger.archive.signing import (
    EnvelopeError,
    load_key,
    load_public_key,
    new_key,
    open_envelope,
    unsigned,
)
from tick_logger.errors import ConfigError

PAYLOAD = b'{"_type":"https://in-toto.io/Statement/v1"}'


@pytest.fixture
def halves(tmp_path: Path) -> tuple[str, str]:
    """The paths of both halves of a key."""
    secret, public = new_key()
    (tmp_path / "secret.pem").write_bytes(secret)
    (tmp_path / "public.pem").write_bytes(public)
    return str(tmp_path / "secret.pem"), str(tmp_path / "public.pem")


def test_the_signature_is_that_of_the_specification(halves: tuple[str, str]) -> None:
    """Read with the standard library, checked with the bytes that DSSE v1 prescribes."""
    secret, public = halves
    envelope = json.loads(load_key(secret).sign(PAYLOAD))
    assert envelope["payloadType"] == "application/vnd.in-toto+json"
    assert base64.b64decode(envelope["payload"]) == PAYLOAD
    (signature,) = envelope["signatures"]
    signed = b"DSSEv1 28 application/vnd.in-toto+json %d " % len(PAYLOAD) + PAYLOAD
    key = load_pem_public_key(Path(public).read_bytes())
    key.verify(base64.b64decode(signature["sig"]), signed)  # type: ignore[union-attr, call-arg]
    assert signature["keyid"] == load_key(secret).id


def test_either_half_of_the_key_checks_it(halves: tuple[str, str]) -> None:
    """The private one is at hand where it was made."""
    secret, public = halves
    signed = load_key(secret).sign(PAYLOAD)
    for path in halves:
        opened = open_envelope(signed, load_public_key(path))
        assert (opened.payload, opened.key_ids) == (PAYLOAD, (load_key(secret).id,))
    assert open_envelope(signed).payload == PAYLOAD
    assert load_public_key(public) == load_public_key(secret)


def test_what_is_forged_is_noticed(halves: tuple[str, str], tmp_path: Path) -> None:
    """Another payload, another key, no signature, another type."""
    secret, public = halves
    key, trusted = load_key(secret), load_public_key(public)
    envelope = json.loads(key.sign(PAYLOAD))
    other = {**envelope, "payload": base64.b64encode(PAYLOAD + b" ").decode()}
    (tmp_path / "other.pem").write_bytes(new_key()[0])
    forged = {
        "signed by another key": json.dumps(other).encode(),
        "signed by another key ": load_key(str(tmp_path / "other.pem")).sign(PAYLOAD),
        "signed by nobody": unsigned(PAYLOAD),
        "it holds text/plain": json.dumps({**envelope, "payloadType": "text/plain"}).encode(),
        "no signed document": b"{}",
    }
    for reason, data in forged.items():
        with pytest.raises(EnvelopeError, match=reason.strip()):
            open_envelope(data, trusted)
    assert open_envelope(unsigned(PAYLOAD)).key_ids == ()


@pytest.mark.parametrize("content", [b"", b"-----BEGIN PRIVATE KEY-----\nc2VjcmV0\n", b"secret"])
def test_what_is_no_key_is_said_without_quoting_it(tmp_path: Path, content: bytes) -> None:
    """It may be a secret all the same."""
    path = tmp_path / "key.pem"
    path.write_bytes(content)
    with pytest.raises(ConfigError) as error:
        load_key(str(path))
    assert "secret" not in str(error.value).replace(str(path), "")
    assert "c2VjcmV0" not in str(error.value)
    with pytest.raises(ConfigError, match="No such file"):
        load_key(str(tmp_path / "none.pem"))


def test_a_key_does_not_show_itself(halves: tuple[str, str]) -> None:
    """In a log line or a traceback."""
    assert repr(load_key(halves[0])) == "Key()"
