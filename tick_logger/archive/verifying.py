"""Checks all certificates of a recording: against its files, against each other, and their keys.

The newest certificate of a day counts, and every figure of it is found again (`checking`).  Older
ones must be readable, and each must be named by the next; each also names one of an earlier day, so
that a day that was taken away is noticed, unless it was the newest.

Reads only.  Of the archive's own objects the ledger is asked; `inspecting` reads them.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import TypeAlias

import attrs
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from tick_logger.archive.carried import PACKED_ROWS
from tick_logger.archive.certificate import Certificate, numbers_of, read
from tick_logger.archive.certifying import certified_days
from tick_logger.archive.checking import differences
from tick_logger.archive.journal_candles import DayOf, journal_candles
from tick_logger.archive.keys import TypedKey, parse
from tick_logger.archive.ledger import Ledger
from tick_logger.archive.released import Released
from tick_logger.archive.signing import EnvelopeError, open_envelope
from tick_logger.errors import words_of
from tick_logger.model.candles import Candles
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
    ledger: Ledger | None = None,
) -> list[Told]:
    """Everything there is to say of them; with a key, each must be signed by it.

    Days that were `released` may be gone, and no others.  Objects that are named must be in the
    `ledger` of the archive, where there is one.
    Raises `OSError` if the directory cannot be read.
    """
    looking = _Looking(files, source, public, released)
    checked: list[_Newest] = []
    found = [
        told
        for exchange in source.exchanges()
        if exchange
        for told in _of_exchange(looking, exchange, checked)
    ]
    with_checks = {(e, day) for e, day, _, cert in checked if cert.predicate.get("checks")}
    candles = journal_candles(files, with_checks) if with_checks else {}
    for exchange, day, path, certificate in checked:
        found += (Told(path, *each) for each in _of_objects(certificate, ledger))
        found += _of_files(looking, (exchange, day), path, certificate, candles)
    return found


@attrs.frozen
class _Looking:
    """Where it is looked, and the key that is expected."""

    files: Files
    source: Source
    public: Ed25519PublicKey | None
    released: Released


_Newest: TypeAlias = tuple[str, int, str, Certificate]
"""The newest certificate of an exchange and day, and its path."""


def _of_exchange(looking: _Looking, exchange: str, checked: list[_Newest]) -> Iterator[Told]:
    """What is to be said of the certificates themselves; the newest are added to `checked`."""
    files, public = looking.files, looking.public
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
                    checked.append((exchange, day, path, found))
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


def _of_objects(found: Certificate, ledger: Ledger | None) -> Iterator[tuple[str, bool]]:
    """What is to be said of the objects that a certificate names, and whether it is a fault."""
    objects = found.objects
    if objects and ledger is None:
        yield f"the {len(objects):,} objects that it names were not looked for: no ledger", False
        return
    rows: Counter[str] = Counter()
    for key, sha256 in objects.items():
        packed = ledger.of_key(key) if ledger is not None else None
        if packed is None or packed.sha256 != sha256:
            other = "does not know it" if packed is None else "has another SHA-256"
            yield f"it names {key}, and the archive's ledger {other}", True
        elif isinstance(name := parse(key), TypedKey):
            rows[name.table.value] += packed.rows
    said = found.predicate.get("sources", {}).get(PACKED_ROWS)
    if said is not None and said != dict(rows):
        yield f"the objects that it names have {dict(rows)} rows, certified {said}", True


def _of_files(
    looking: _Looking,
    of: DayOf,
    path: str,
    found: Certificate,
    candles: Mapping[tuple[str, int, str], Sequence[Candles]],
) -> Iterator[Told]:
    def answers(symbol: str) -> Sequence[Candles]:
        return candles.get((*of, symbol), ())

    try:
        released = looking.released.get(of[0], ())
        seen = differences(looking.source, looking.files, *of, found, released, answers)
    except OSError as error:
        yield Told(path, f"the day cannot be compared with it: {words_of(error)}")
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        yield Told(path, f"it does not say what a certificate has to: {type(error).__name__}")
    else:
        yield from (Told(path, text) for text in seen.faults)
        yield from (Told(path, text, is_fault=False) for text in seen.since)
