"""Signs certificates with Ed25519, in the envelope (DSSE) that supply chains use, and checks them.

The signature is over the type and the bytes of what is signed, so that no canonical form of JSON is
needed.  Without a key the envelope has no signature, and vouches for nothing but itself.

Invariant: no error, log line or representation contains the private key.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from pathlib import Path
from typing import Final

import attrs
import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)

from tick_logger.errors import ConfigError

PAYLOAD_TYPE: Final = "application/vnd.in-toto+json"

MAX_KEY_BYTES: Final = 64 * 1024
"""A key has some hundred bytes; a larger file is something else."""


class EnvelopeError(Exception):
    """What should be a signed document is none; the message says why."""


class _Signature(msgspec.Struct):
    keyid: str
    sig: str


class _Envelope(msgspec.Struct, rename={"payload_type": "payloadType"}):
    payload_type: str
    payload: str
    signatures: list[_Signature]


@attrs.frozen
class Opened:
    """What an envelope holds, and the ids of the keys that have signed it."""

    payload: bytes
    key_ids: tuple[str, ...]


@attrs.frozen
class Key:
    """A private key; its `id` is the beginning of its public half's SHA-256."""

    _private: Ed25519PrivateKey = attrs.field(repr=False)

    @property
    def public(self) -> Ed25519PublicKey:
        """The half that others may have."""
        return self._private.public_key()

    @property
    def id(self) -> str:
        """Names the key in envelopes."""
        return key_id(self.public)

    def sign(self, payload: bytes) -> bytes:
        """The envelope with its signature."""
        signature = self._private.sign(_signed_bytes(PAYLOAD_TYPE, payload))
        return _sealed(payload, [_Signature(self.id, base64.b64encode(signature).decode())])


def unsigned(payload: bytes) -> bytes:
    """The envelope without any signature."""
    return _sealed(payload, [])


def open_envelope(data: bytes, public: Ed25519PublicKey | None = None) -> Opened:
    """What is in it; with a key, only if that has signed it.  Raises `EnvelopeError`."""
    try:
        envelope = msgspec.json.decode(data, type=_Envelope)
        payload = base64.b64decode(envelope.payload, validate=True)
        signatures = [base64.b64decode(each.sig, validate=True) for each in envelope.signatures]
    except (msgspec.DecodeError, UnicodeDecodeError, binascii.Error) as error:
        raise EnvelopeError(f"it is no signed document: {error}") from error
    if envelope.payload_type != PAYLOAD_TYPE:
        raise EnvelopeError(f"it holds {envelope.payload_type}, and not {PAYLOAD_TYPE}")
    if public is not None and not any(_is_by(public, payload, each) for each in signatures):
        who = "nobody" if not signatures else "another key"
        raise EnvelopeError(f"it is signed by {who}")
    return Opened(payload, tuple(each.keyid for each in envelope.signatures))


def key_id(public: Ed25519PublicKey) -> str:
    """What names a public key: the beginning of the SHA-256 of its 32 bytes."""
    raw = public.public_bytes(Encoding.Raw, PublicFormat.Raw)
    return hashlib.sha256(raw).hexdigest()[:16]


def load_key(path: str) -> Key:
    """The private key in a PEM file; raises `ConfigError`, which quotes nothing of it."""
    try:
        private = load_pem_private_key(_read(path), None)
    except (ValueError, TypeError):
        raise ConfigError([(path, "it holds no private key that can be read (PEM)")]) from None
    if not isinstance(private, Ed25519PrivateKey):
        raise ConfigError([(path, "the key is not of Ed25519; `archive keygen` makes one")])
    return Key(private)


def load_public_key(path: str) -> Ed25519PublicKey:
    """The public key in a PEM file, of either half; raises `ConfigError`."""
    data = _read(path)
    try:
        public = load_pem_public_key(data)
    except ValueError:
        return load_key(path).public
    if not isinstance(public, Ed25519PublicKey):
        raise ConfigError([(path, "the key is not of Ed25519")])
    return public


def new_key() -> tuple[bytes, bytes]:
    """Both halves of a new key, the private one first, as PEM."""
    private = Ed25519PrivateKey.generate()
    secret = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    public = private.public_key()
    return secret, public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def _read(path: str) -> bytes:
    try:
        with Path(path).open("rb") as file:
            return file.read(MAX_KEY_BYTES)
    except OSError as error:
        raise ConfigError([(path, str(error.strerror or error))]) from error


def _sealed(payload: bytes, signatures: list[_Signature]) -> bytes:
    text = base64.b64encode(payload).decode()
    return msgspec.json.encode(_Envelope(PAYLOAD_TYPE, text, signatures))


def _is_by(public: Ed25519PublicKey, payload: bytes, signature: bytes) -> bool:
    try:
        public.verify(signature, _signed_bytes(PAYLOAD_TYPE, payload))
    except InvalidSignature:
        return False
    return True


def _signed_bytes(payload_type: str, payload: bytes) -> bytes:
    """What is signed: type and payload, each with its length before it."""
    name = payload_type.encode()
    return b"DSSEv1 %d %s %d %s" % (len(name), name, len(payload), payload)
