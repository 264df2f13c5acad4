"""Whether an archive is what it says: its objects, its lists of hashes, and its certificates.

Each object is read as a whole: its SHA-256 is that of its name, of the ledger, of the list of its
day and of the newest certificate that names it.  Certificates name the one that they supersede and
that of the day before; with a key, each of them was signed by it.

Works on any tree, and changes nothing.  Not here: whether what a certificate says of column files
is so (`checking`).
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Collection, Iterator, Mapping

import attrs
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from tick_logger.archive.carried import PACKED_ROWS
from tick_logger.archive.certificate import Certificate, parse_statement
from tick_logger.archive.keys import (
    DATA,
    LEDGER,
    META,
    TypedKey,
    certificate_key,
    date_text,
    parse,
    parse_aside,
    parse_quality,
    sums_key,
)
from tick_logger.archive.ledger import Packed, steps
from tick_logger.archive.signing import EnvelopeError, open_envelope
from tick_logger.reader.certified import Certificates
from tick_logger.reader.objects import TypedObject
from tick_logger.reader.tree import Tree

PIECE_BYTES = 1024 * 1024
"""Of an object, at a time in memory."""


@attrs.define
class Verified:
    """What was looked at, and what is wrong with it, in words."""

    objects: int = 0
    size: int = 0
    certificates: int = 0
    findings: list[str] = attrs.field(factory=list)


def verify(tree: Tree, public: Ed25519PublicKey | None = None) -> Verified:
    """Look at everything of an archive; raises `OSError`, and `StorageError` for a bad ledger."""
    done = Verified()
    packed = _packed(tree)
    hashes = {}
    asides = filter(_is_beside, _objects(tree, META))
    for key in sorted({*_objects(tree, DATA), *asides, *packed}):
        size = tree.size(key)
        if not size:
            lacks = "the ledger has it, and it is not there" if key in packed else "it is empty"
            done.findings.append(f"{key}: {lacks}")
            continue
        hashes[key] = _hash(tree, key, size)
        done.objects, done.size = done.objects + 1, done.size + size
        done.findings += (f"{key}: {what}" for what in _of_object(key, hashes[key], packed))
    certificates = Certificates.in_archive(tree)
    for exchange in certificates.exchanges():
        done.findings += _of_lists(tree, exchange, hashes)
        done.findings += _of_certificates(tree, certificates, exchange, public, hashes, done)
    return done


def _packed(tree: Tree) -> dict[str, Packed]:
    """What the ledger says of objects."""
    data = bytes(tree.read(LEDGER)) if tree.size(LEDGER) else b""
    lines = (step for step in steps(data) if isinstance(step, Packed))
    return {
        step.key: step for step in lines if step.key.startswith(f"{DATA}/") or _is_beside(step.key)
    }


def _is_beside(key: str) -> bool:
    """Whether it has rows with impossible times, or what looked wrong."""
    return parse_aside(key) is not None or parse_quality(key) is not None


def _objects(tree: Tree, folder: str) -> Iterator[str]:
    for name in tree.list(folder):
        path = f"{folder}/{name}"
        yield from _objects(tree, path[:-1]) if name.endswith("/") else (path,)


def _hash(tree: Tree, key: str, size: int) -> str:
    digest = hashlib.sha256()
    for offset in range(0, size, PIECE_BYTES):
        digest.update(tree.read(key, offset, PIECE_BYTES))
    return digest.hexdigest()


def _of_object(key: str, sha256: str, packed: Mapping[str, Packed]) -> Iterator[str]:
    name = parse(key) or parse_aside(key) or parse_quality(key)
    if name is None:
        yield "nothing of ours has such a name"
    elif not sha256.startswith(name.digest):
        yield f"its SHA-256 begins with {sha256[:12]}, and not as its name says"
    if key in packed and packed[key].sha256 != sha256:
        yield "its SHA-256 is not that in the ledger"


def _of_lists(tree: Tree, exchange: str, hashes: Mapping[str, str]) -> Iterator[str]:
    days = {each.day for key in hashes if (each := parse(key)) and each.exchange == exchange}
    for day in sorted(days):
        path = sums_key(exchange, day)
        if not tree.size(path):
            continue
        for line in bytes(tree.read(path)).decode(errors="replace").splitlines():
            sha256, _, key = line.partition("  ")
            if key.startswith(f"{DATA}/") and hashes.get(key) != sha256:
                yield f"{path}: {key} is not there, or has another SHA-256"


def _of_certificates(
    tree: Tree,
    certificates: Certificates,
    exchange: str,
    public: Ed25519PublicKey | None,
    hashes: Mapping[str, str],
    done: Verified,
) -> Iterator[str]:
    """Each of an exchange, by day and number."""
    of_day: dict[int, set[str]] = {}
    for day in certificates.days(exchange):
        before: Certificate | None = None
        of_day[day] = set()
        for number in range(1, max(certificates.numbers(exchange, day)) + 1):
            key = certificate_key(exchange, day, number)
            done.certificates += 1
            try:
                found = _certificate(tree, key, exchange, day, public)
            except EnvelopeError as error:
                yield f"{key}: {error}"
                before = None
                continue
            said = found.predicate
            if number > 1 and (before is None or said.get("supersedes") != _named(before.sha256)):
                yield f"{key}: it does not supersede the one before it"
            yesterday = {_named(each) for each in of_day.get(day - 1, ())}
            previous = said.get("previous_day")
            if previous is not None and previous not in yesterday:
                yield f"{key}: the certificate of the day before that it names is not there"
            if previous is None and number == 1 and day - 1 in of_day:
                yield f"{key}: it names no certificate of the day before, and there is one"
            of_day[day].add(found.sha256)
            before = found
        if before is not None:
            key = certificate_key(exchange, day, before.number)
            yield from (f"{key}: {what}" for what in _of_subjects(tree, before, day, hashes))


def _certificate(
    tree: Tree, key: str, exchange: str, day: int, public: Ed25519PublicKey | None
) -> Certificate:
    if not tree.size(key):
        raise EnvelopeError("it is not there")
    data = bytes(tree.read(key))
    opened = open_envelope(data, public)
    found = parse_statement(opened.payload)
    said = found["predicate"]
    if (said.get("exchange"), said.get("day")) != (exchange, date_text(day)):
        raise EnvelopeError(f"it is of {said.get('exchange')}, {said.get('day')}")
    number = int(key.rsplit(".", 2)[1])
    return Certificate(number, hashlib.sha256(data).hexdigest(), found, opened.key_ids)


def _of_subjects(
    tree: Tree, certificate: Certificate, day: int, hashes: Mapping[str, str]
) -> Iterator[str]:
    """The objects that a certificate names, and their rows beside those that it counts."""
    rows: Counter[tuple[str, str]] = Counter()
    tables = set()
    for key, sha256 in certificate.objects.items():
        if hashes.get(key) != sha256:
            yield f"{key} is not there, or has another SHA-256"
            continue
        name = parse(key)
        if isinstance(name, TypedKey) and name.day == day:
            tables.add(str(name.table))
            for symbol, runs in TypedObject(tree, key, name.table).runs.items():
                rows[symbol, str(name.table)] += sum(run.rows for run in runs)
    yield from _of_rows(certificate, tables, rows)


def _of_rows(
    certificate: Certificate, tables: Collection[str], rows: Mapping[tuple[str, str], int]
) -> Iterator[str]:
    """The rows in objects of these tables beside those that are certified, in all and by stream.

    Late rows may not be packed yet, or have come after the day was let go of: how many there are in
    all the certificate says.
    """
    packed = certificate.predicate.get("sources", {}).get(PACKED_ROWS, {})
    said: dict[str, dict[str, Mapping[str, int]]] = {table: {} for table in tables}
    for stream in certificate.predicate.get("streams", ()):
        said.setdefault(str(stream.get("table")), {})[str(stream.get("symbol"))] = stream["rows"]
    for table in sorted(tables):
        total = sum(each["total"] for each in said[table].values())
        expected = packed.get(table, total)
        found = sum(count for (_, of), count in rows.items() if of == table)
        if found != expected:
            yield f"{table}: {found:,} rows in objects, certified {expected:,}"
        for symbol, each in said[table].items():
            least = each["total"] if expected == total else each["in_order"]
            most = max(each["total"], least) if expected <= total else found
            if not least <= rows.get((symbol, table), 0) <= most:
                count = rows.get((symbol, table), 0)
                yield f"{symbol} {table}: {count:,} rows in objects, certified {each['total']:,}"


def _named(sha256: str) -> str:
    return f"sha256:{sha256}"
