"""Tokens: what they say, that their signature holds, and what is said of keys that are none.

Signatures are verified by hand with the public key, not by the library that makes the tokens.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from tick_logger.clock import ManualClock
from tick_logger.errors import ConfigError
from tick_logger.net.wire.signing import JwtSigner, signer_from_environ

PREFIX = "COINBASE"
NAME = "organizations/a1/apiKeys/b2"
NOW_SECS = 1_786_309_548
KEY = ec.generate_private_key(ec.SECP256R1())
SEC1, PKCS8 = PrivateFormat.TraditionalOpenSSL, PrivateFormat.PKCS8


def pem(
    key: ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey = KEY,
    form: PrivateFormat = PKCS8,
    encryption: KeySerializationEncryption | None = None,
) -> str:
    return key.private_bytes(Encoding.PEM, form, encryption or NoEncryption()).decode()


def signer(text: str, nonce: Callable[[], str] = lambda: "n1") -> JwtSigner:
    return JwtSigner(NAME, text, clock=ManualClock(NOW_SECS * 10**9 + 999_999_999), nonce=nonce)


def parts(token: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Header and claims."""
    header, claims, _ = (unpacked(part) for part in token.split("."))
    return json.loads(header), json.loads(claims)


def unpacked(text: str) -> bytes:
    assert "=" not in text
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def verify(token: str, key: ec.EllipticCurvePrivateKey = KEY) -> None:
    """As RFC 7518 has it: two numbers of 32 bytes, over the SHA-256 of what comes before."""
    signed, _, last = token.rpartition(".")
    signature = unpacked(last)
    assert len(signature) == 64
    r, s = (int.from_bytes(half, "big") for half in (signature[:32], signature[32:]))
    key.public_key().verify(encode_dss_signature(r, s), signed.encode(), ec.ECDSA(SHA256()))


# -- tokens ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", [SEC1, PKCS8])
def test_a_token_says_who_and_when_and_is_signed(form: PrivateFormat) -> None:
    """Whichever of the two forms of PEM the key has."""
    text = pem(form=form)
    assert text.startswith("-----BEGIN EC PRIVATE" if form is SEC1 else "-----BEGIN PRIVATE")
    token = signer(text).token()
    header, claims = parts(token)
    assert header == {"alg": "ES256", "typ": "JWT", "kid": NAME, "nonce": "n1"}
    assert claims == {"sub": NAME, "iss": "cdp", "nbf": NOW_SECS - 15, "exp": NOW_SECS + 105}
    verify(token)


def test_a_signature_holds_for_its_own_key_and_text_only() -> None:
    """The check of the other tests can fail."""
    token = signer(pem()).token()
    with pytest.raises(InvalidSignature):
        verify(token, ec.generate_private_key(ec.SECP256R1()))
    with pytest.raises(InvalidSignature):
        verify("A" + token)


def test_each_token_has_a_nonce_and_a_time_of_its_own() -> None:
    """Made anew for each request."""
    clock, nonces = ManualClock(NOW_SECS * 10**9), iter(["one", "two"])
    made = JwtSigner(NAME, pem(), clock=clock, nonce=lambda: next(nonces))
    first = parts(made.token())
    clock.set_ns((NOW_SECS + 60) * 10**9)
    second = parts(made.token())
    assert (first[0]["nonce"], second[0]["nonce"]) == ("one", "two")
    assert (first[1]["exp"], second[1]["nbf"]) == (NOW_SECS + 105, NOW_SECS + 45)


@pytest.mark.parametrize("ahead_secs", [-100, 0, 15])
def test_a_clock_that_is_wrong_by_some_seconds_makes_valid_tokens(ahead_secs: int) -> None:
    """Ahead of the venue's or behind; a token lives as long as the venue allows, and no longer."""
    clock = ManualClock((NOW_SECS + ahead_secs) * 10**9 + 999_999_999)
    claims = parts(JwtSigner(NAME, pem(), clock=clock, nonce=lambda: "n1").token())[1]
    assert claims["nbf"] <= NOW_SECS < claims["exp"]
    assert claims["exp"] - claims["nbf"] == 120


def test_a_signer_does_not_show_its_key() -> None:
    """In a log line or a traceback."""
    shown = repr(signer(pem())) + str(vars(signer(pem())))
    assert not any(line in shown for line in pem().splitlines())


# -- the environment -------------------------------------------------------------------------------


def problem(environ: dict[str, str]) -> tuple[str, str]:
    """The variable and the reason; nothing in what is raised shows the values."""
    with pytest.raises(ConfigError) as raised:
        signer_from_environ(environ, PREFIX)
    (found,) = raised.value.problems
    chained = (raised.value.__cause__, raised.value.__context__)
    assert chained[0] is None
    assert raised.value.__suppress_context__ or chained[1] is None
    for value in environ.values():
        for line in value.replace("\\n", "\n").splitlines():
            assert len(line) < 8 or line not in str(raised.value)
    return found


def test_without_a_key_there_is_no_signer() -> None:
    """Empty variables are those of a container that sets all of them."""
    empty = {"COINBASE_API_KEY": "", "COINBASE_API_SECRET": " "}
    assert signer_from_environ({}, PREFIX) is None
    assert signer_from_environ(empty, PREFIX) is None


@pytest.mark.parametrize("form", [SEC1, PKCS8])
@pytest.mark.parametrize("newline", ["\n", "\\n", "\r\n"])
def test_the_key_may_be_in_a_variable(form: PrivateFormat, newline: str) -> None:
    """With line ends as they are, or written as two characters."""
    secret = pem(form=form).replace("\n", newline)
    environ = {"COINBASE_API_KEY": NAME, "COINBASE_API_SECRET": secret}
    made = signer_from_environ(environ, PREFIX, clock=ManualClock(NOW_SECS * 10**9))
    assert made is not None
    token = made.token()
    verify(token)
    assert parts(token)[1]["nbf"] == NOW_SECS - 15
    assert len({parts(made.token())[0]["nonce"] for _ in range(10)}) == 10


def test_the_key_may_be_in_a_file(tmp_path: Path) -> None:
    """As secrets are mounted."""
    path = tmp_path / "key.pem"
    path.write_text(pem())
    environ = {"COINBASE_API_KEY": NAME, "COINBASE_API_SECRET_FILE": str(path)}
    made = signer_from_environ(environ, PREFIX)
    assert made is not None
    verify(made.token())


def test_only_one_place_for_the_key() -> None:
    """Which of two would be used nobody can say."""
    environ = {
        "COINBASE_API_KEY": NAME,
        "COINBASE_API_SECRET": pem(),
        "COINBASE_API_SECRET_FILE": "/there/is/none.pem",
    }
    variable, reason = problem(environ)
    assert variable == "COINBASE_API_SECRET"
    assert reason == "is given, and COINBASE_API_SECRET_FILE too; only one of them may be"


def test_a_key_needs_its_name_and_a_name_its_key() -> None:
    """Half of a pair is a mistake."""
    variable, reason = problem({"COINBASE_API_SECRET": pem()})
    assert variable == "COINBASE_API_KEY"
    assert reason == "is missing: the private key in COINBASE_API_SECRET needs its name"
    variable, reason = problem({"COINBASE_API_KEY": NAME})
    assert variable == "COINBASE_API_SECRET"
    assert reason.startswith("is missing: COINBASE_API_KEY needs its private key")


P384 = ec.generate_private_key(ec.SECP384R1())
NOT_PEM = "is not a private key in PEM form (-----BEGIN ... KEY-----)"


@pytest.mark.parametrize(
    ("secret", "expected"),
    [
        ("c2VjcmV0IHNlY3JldCBzZWNyZXQgc2VjcmV0", NOT_PEM),
        (pem()[:-60], NOT_PEM),
        (pem().replace("M", "!"), NOT_PEM),
        (
            KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode(),
            NOT_PEM,
        ),
        (pem(P384), "is a key of the curve secp384r1, not of P-256 (secp256r1)"),
        (
            pem(ed25519.Ed25519PrivateKey.generate()),
            "is not an ECDSA key; the key must be made for ECDSA, not Ed25519 or RSA",
        ),
        (
            pem(encryption=BestAvailableEncryption(b"password")),
            "is encrypted with a password, which cannot be asked for",
        ),
    ],
)
def test_what_is_no_key_is_refused_in_plain_words(
    secret: str, expected: str, tmp_path: Path
) -> None:
    """In a variable as well as in a file."""
    assert problem({"COINBASE_API_KEY": NAME, "COINBASE_API_SECRET": secret}) == (
        "COINBASE_API_SECRET",
        expected,
    )
    path = tmp_path / "key.pem"
    path.write_text(secret)
    environ = {"COINBASE_API_KEY": NAME, "COINBASE_API_SECRET_FILE": str(path)}
    assert problem(environ) == ("COINBASE_API_SECRET_FILE", expected)


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/there/is/no/such/file.pem", "cannot be read: No such file or directory"),
        ("/proc", "cannot be read: Is a directory"),
        ("nul\0byte.pem", "is not the name of a file"),
        (pem(), "cannot be read: No such file or directory"),
        ("/dev/zero", "is longer than 65,536 bytes, which no key is"),
    ],
)
def test_a_file_that_cannot_be_read_is_refused(path: str, expected: str) -> None:
    """Without its path, which is the key itself where somebody mixed up the variables."""
    environ = {"COINBASE_API_KEY": NAME, "COINBASE_API_SECRET_FILE": path}
    assert problem(environ) == ("COINBASE_API_SECRET_FILE", expected)


def test_a_file_that_is_no_text_is_no_key(tmp_path: Path) -> None:
    """Such as a key in DER."""
    path = tmp_path / "key.der"
    path.write_bytes(KEY.private_bytes(Encoding.DER, PKCS8, NoEncryption()))
    environ = {"COINBASE_API_KEY": NAME, "COINBASE_API_SECRET_FILE": str(path)}
    assert problem(environ) == ("COINBASE_API_SECRET_FILE", NOT_PEM)
