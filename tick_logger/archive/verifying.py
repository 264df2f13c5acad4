"""Checks all certificates of a recording: against its files, against each other, and their keys.

The newest certificate of a day counts, and every figure of it is found again (`checking`).  Older
ones must be readable, and each must be named by the next; each also names one of an earlier day, so
that a day that was taken away is noticed, unless it was the newest.

Reads only.  Not here: the archive's own objects.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Iterator
from functools import partial

import attrs
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from tick_logger.archive.certificate import Certificate, numbers_of, read
from tick_logger.archive.certifying import certified_days
from tick_logger.archive.checking import Differences, differences
from tick_logger.archive.released import Released
from tick_logger.archive.signing import EnvelopeError, open_envelope
from tick_logger.errors import words_of
from tick_logger.reader.source import Source
from tick_logger.storage.files import Files
from tick_logger.storage.layout import CertificatePath, certificate_path

NOTHING: Released = {}
"""Where there is no archive."""


@attrs.frozen
class Told:
    """Something about one certificate; `is_fault`: a promise does not hold."""

    path: str
    text: str
    is_fault: bool = True


def check_certificates(
    files: Files,
    source: Source,
    public: Ed25519PublicKey | None = None,
    released: Released = NOTHING,
) -> list[Told]:
    """Everything there is to say of them; with a key, each must be signed by it.

    Days that were `released` may be gone, and no others.
    Raises `OSError` if the directory cannot be read.
    """
    return [
        told
        for exchange in source.exchanges()
        if exchange
        for told in _of_exchange(files, source, exchange, public, released.get(exchange, ()))
    ]


def _of_exchange(
    files: Files,
    source: Source,
    exchange: str,
    public: Ed25519PublicKey | None,
    released: Collection[int],
) -> Iterator[Told]:
    earlier: set[str] = set()  # hashes of the certificates of earlier days
    for day in sorted(certified_days(files, exchange)):
        mine: list[str] = []
        numbers = numbers_of(files, exchange, day)
        for place, number in enumerate(numbers, 1):
            path = certificate_path(CertificatePath(exchange, day, number))
            data = bytes(files.read(path))
            if number != place and number - 1 not in numbers:
                yield Told(path, f"certificate {number - 1} of the day, before it, is not there")
            try:
                if public is not None:
                    open_envelope(data, public)
                found = read(files, exchange, day, number)
            except EnvelopeError as error:
                yield Told(path, str(error))
            else:
                yield from (Told(path, x) for x in _of_chain(found, mine, earlier))
                if number == numbers[-1]:
                    compare = partial(differences, source, files, exchange, day, found, released)
                    yield from _of_files(path, compare)
            mine.append(hashlib.sha256(data).hexdigest())
        earlier.update(mine)


def _of_chain(found: Certificate, before: list[str], earlier: set[str]) -> Iterator[str]:
    """Whether those that it names are there: of the same day, and of one before."""
    said = found.predicate
    names, previous = said.get("supersedes"), said.get("previous_day")
    if names is None:
        if before:
            yield "it names no certificate that it supersedes, and there is one"
    elif not before or names != f"sha256:{before[-1]}":
        yield "the certificate that it supersedes is not there, or was changed"
    if previous is not None and str(previous).removeprefix("sha256:") not in earlier:
        yield "it names a certificate of an earlier day, which is not there or was changed"


def _of_files(path: str, compare: Callable[[], Differences]) -> Iterator[Told]:
    try:
        seen = compare()
    except OSError as error:
        yield Told(path, f"the day cannot be compared with it: {words_of(error)}")
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        yield Told(path, f"it does not say what a certificate has to: {type(error).__name__}")
    else:
        yield from (Told(path, text) for text in seen.faults)
        yield from (Told(path, text, is_fault=False) for text in seen.since)
