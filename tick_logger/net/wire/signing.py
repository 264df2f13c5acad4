"""Signs requests with a user's API key, for venues that give more to a client they know.

A request carries a JSON web token, signed by ES256 and made for this request alone.  A token is
valid for two minutes, and counts from a few seconds ago in case this machine's clock is ahead.  The
key and its name come from the environment, never from the configuration, which is printed and
logged.

Invariant: no error, log line or representation contains the private key, nor a value that might be
one.

Not here: which venues take tokens (`Exchange.key_prefix`), and where (`Exchange.signed`).
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from tick_logger.clock import SystemClock, WallClock
from tick_logger.errors import ConfigError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey

ISSUER = "cdp"
"""The developer platform that gives out the keys; there is no other so far."""

LIFETIME_SECS = 120
"""The venue's own limit."""

AHEAD_SECS = 15
"""How far this machine's clock may be ahead of the venue's; a token is valid from so long ago."""

MAX_FILE_BYTES = 64 * 1024
"""A key has some hundred bytes; a larger file is something else."""


class JwtSigner:
    """Makes tokens for one API key.

    `private_key` is PEM, in SEC1 ("EC PRIVATE KEY") or PKCS#8 ("PRIVATE KEY"), of curve P-256;
    anything else raises `ValueError`, whose message says why and quotes nothing of the key.
    `nonce` returns another text at each call.
    """

    def __init__(
        self, name: str, private_key: str, *, clock: WallClock, nonce: Callable[[], str]
    ) -> None:
        import jwt  # takes a while, as cryptography does, and few have a key

        self._name = name
        self._key = _loaded(private_key)
        self._encode = jwt.encode
        self._clock = clock
        self._nonce = nonce

    def token(self) -> str:
        """A new token, valid for `LIFETIME_SECS` since `AHEAD_SECS` ago."""
        since_secs = self._clock.now_ns() // 10**9 - AHEAD_SECS
        claims = {
            "sub": self._name,
            "iss": ISSUER,
            "nbf": since_secs,
            "exp": since_secs + LIFETIME_SECS,
        }
        headers = {"kid": self._name, "nonce": self._nonce()}
        return self._encode(claims, self._key, algorithm="ES256", headers=headers)


def signer_from_environ(
    environ: Mapping[str, str],
    prefix: str,
    *,
    clock: WallClock | None = None,
    nonce: Callable[[], str] = secrets.token_hex,
) -> JwtSigner | None:
    """The signer for the key in the environment; None if there is none.

    `<prefix>_API_KEY` is the key's name; the private key is in `<prefix>_API_SECRET`, where line
    ends may be written as backslash and n, or in the file that `<prefix>_API_SECRET_FILE` names.
    An empty variable is one that is not set.  Raises `ConfigError` with variable and reason.
    """
    key, secret = f"{prefix}_API_KEY", f"{prefix}_API_SECRET"
    file = f"{secret}_FILE"
    name, text, path = (environ.get(variable, "").strip() for variable in (key, secret, file))
    if text and path:
        raise _wrong(secret, f"is given, and {file} too; only one of them may be")
    if not (name or text or path):
        return None
    if not name:
        given = secret if text else file
        raise _wrong(key, f"is missing: the private key in {given} needs its name")
    if not (text or path):
        raise _wrong(
            secret, f"is missing: {key} needs its private key here or in a file that {file} names"
        )
    pem = _read(file, path) if path else text.replace("\\n", "\n")
    try:
        return JwtSigner(name, pem, clock=clock or SystemClock(), nonce=nonce)
    except ValueError as error:
        raise _wrong(file if path else secret, str(error)) from None


def _read(variable: str, path: str) -> str:
    """The content of a file; its path is not repeated, because it may be the key by mistake."""
    try:
        with Path(path).open("rb") as file:
            content = file.read(MAX_FILE_BYTES + 1)
    except OSError as error:
        raise _wrong(variable, f"cannot be read: {error.strerror}") from None
    except ValueError:
        raise _wrong(variable, "is not the name of a file") from None
    if len(content) > MAX_FILE_BYTES:
        raise _wrong(variable, f"is longer than {MAX_FILE_BYTES:,} bytes, which no key is")
    return content.decode("ascii", errors="replace")


def _loaded(pem: str) -> EllipticCurvePrivateKey:
    """The key in a PEM text.  What was raised below is left out: it may quote the text."""
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    try:
        key = load_pem_private_key(pem.encode(), password=None)
    except TypeError:
        raise ValueError("is encrypted with a password, which cannot be asked for") from None
    except UnsupportedAlgorithm:
        raise ValueError("is a private key of an unknown kind") from None
    except ValueError:
        raise ValueError("is not a private key in PEM form (-----BEGIN ... KEY-----)") from None
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise ValueError("is not an ECDSA key; the key must be made for ECDSA, not Ed25519 or RSA")
    if not isinstance(key.curve, ec.SECP256R1):
        raise ValueError(f"is a key of the curve {key.curve.name}, not of P-256 (secp256r1)")
    return key


def _wrong(variable: str, reason: str) -> ConfigError:
    return ConfigError([(variable, reason)])
