"""What is vouched for of one exchange's UTC day: an in-toto statement in a signed envelope.

    {exchange}/certificate.{DD}.{MM}.{YY}.{n}.json, n = 1, 2, …

The newest certificate of a day counts.  None is ever changed: a better state of the day is the next
one, which names the one that it supersedes; and each names that of the day before, so that a day
that was taken away is noticed.

Invariant: every figure is one of the facts that anybody finds in the files (`facts`), or stands
under a name of `NOT_RECOMPUTABLE`.

Not here: when one is made, and whether what it says is still so (`checking`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import attrs
import msgspec

from tick_logger.archive.candle_checks import has_loss
from tick_logger.archive.facts import Condition, StreamFacts
from tick_logger.archive.gap_hashes import GapHashes
from tick_logger.archive.keys import date_text
from tick_logger.archive.signing import EnvelopeError, Key, open_envelope, unsigned
from tick_logger.model.flush import GapRecord
from tick_logger.model.proof import Proof
from tick_logger.model.tables import (
    ORIGIN_ASIDE,
    ORIGIN_LATE,
    ORIGIN_MAIN,
    ORIGIN_REST,
    Table,
)
from tick_logger.storage.files import Files
from tick_logger.storage.layout import CertificatePath, certificate_path, parse
from tick_logger.storage.names import folder_of

STATEMENT_TYPE = "https://in-toto.io/Statement/v1"
PREDICATE_TYPE = "https://tick-logger/completeness/v1"

OBJECT_SUFFIX = ".parquet"
"""Of the names of the archive's objects among the subjects; no table-day is called so."""

NOT_RECOMPUTABLE = ("checks", "sources", "made_at_ns", "supersedes", "previous_day")
"""Fields that follow from more than the files of the day."""

_ORIGINS = {
    ORIGIN_MAIN: "in_order",
    ORIGIN_LATE: "late",
    ORIGIN_REST: "back_filled",
    ORIGIN_ASIDE: "aside",
}


@attrs.frozen(kw_only=True)
class Circumstances:
    """What a certificate says beside the facts.

    `gaps` has the hashes of the gaps files of each symbol that has any.  `pending` are the reasons
    for which the day may still become better; `objects` maps the keys of the archive's objects to
    their SHA-256.  `gone` are the streams whose files were let go of.
    """

    made_at_ns: int
    collector: str
    version: str
    gaps: Sequence[GapHashes] = ()
    checks: Sequence[Mapping[str, Any]] = ()
    sources: Mapping[str, Any] = attrs.field(factory=dict)
    pending: Sequence[str] = ()
    objects: Mapping[str, str] = attrs.field(factory=dict)
    gone: Sequence[Gone] = ()


@attrs.frozen
class Gone:
    """What the certificate before said of a stream, and of its table-day among the subjects: there
    is nothing to look at any more, and it is said again."""

    stream: Mapping[str, Any]
    subject: Mapping[str, Any]

    @property
    def of(self) -> tuple[str, str]:
        """Symbol and table."""
        return self.stream["symbol"], self.stream["table"]


@attrs.frozen
class Certificate:
    """One that was read: its number, its own SHA-256, and the statement in it."""

    number: int
    sha256: str
    statement: Mapping[str, Any]
    key_ids: tuple[str, ...]

    @property
    def predicate(self) -> Mapping[str, Any]:
        """What it says of the day."""
        return self.statement["predicate"]  # type: ignore[no-any-return]

    @property
    def subjects(self) -> dict[str, str]:
        """The SHA-256 by name of what it vouches for: table-days, and objects of the archive."""
        found = self.statement["subject"]
        return {str(each.get("name")): each.get("digest", {}).get("sha256", "") for each in found}

    @property
    def objects(self) -> dict[str, str]:
        """Those that are objects."""
        return {name: x for name, x in self.subjects.items() if name.endswith(OBJECT_SUFFIX)}


def statement(
    exchange: str,
    day: int,
    facts: Sequence[StreamFacts],
    seen: Circumstances,
    supersedes: Certificate | None = None,
    previous_day: Certificate | None = None,
) -> dict[str, Any]:
    """The statement about a day; the same arguments give the same bytes when it is encoded."""
    said: dict[tuple[str, str], tuple[Mapping[str, Any], Mapping[str, Any]]]
    said = {(x.symbol, x.table.value): (stream_said(x), _subject(exchange, x, day)) for x in facts}
    if seen.gone:
        said |= {each.of: (each.stream, each.subject) for each in seen.gone}
        said = dict(sorted(said.items(), key=lambda each: _place(*each[0])))
    subject = [named for _, named in said.values()]
    subject += [
        {"name": key, "digest": {"sha256": sha256}} for key, sha256 in sorted(seen.objects.items())
    ]
    worst = Condition.worst([Condition(stream["condition"]) for stream, _ in said.values()])
    if worst is not Condition.MISSING and any(has_loss(each) for each in seen.checks):
        worst = Condition.DEGRADED
    if worst is Condition.AVAILABLE and seen.pending:
        worst = Condition.PENDING
    return {
        "_type": STATEMENT_TYPE,
        "subject": subject,
        "predicateType": PREDICATE_TYPE,
        "predicate": {
            "exchange": exchange,
            "day": date_text(day),
            "condition": worst.value,
            "pending": list(seen.pending),
            "streams": [stream for stream, _ in said.values()],
            "gaps": [attrs.asdict(each) for each in seen.gaps],
            "checks": [dict(each) for each in seen.checks],
            "sources": {
                "collector": seen.collector,
                "version": seen.version,
                **seen.sources,
            },
            "not_recomputable": list(NOT_RECOMPUTABLE),
            "supersedes": None if supersedes is None else f"sha256:{supersedes.sha256}",
            "previous_day": None if previous_day is None else f"sha256:{previous_day.sha256}",
            "made_at_ns": seen.made_at_ns,
        },
    }


def issue(
    files: Files, exchange: str, day: int, said: Mapping[str, Any], key: Key | None
) -> Certificate:
    """Write the next certificate of a day, durably; raises `OSError`, and there is none then."""
    number = max(numbers_of(files, exchange, day), default=0) + 1
    path = certificate_path(CertificatePath(exchange, day, number))
    assert not files.exists(path), "a certificate is never changed"
    payload = msgspec.json.encode(said)
    data = unsigned(payload) if key is None else key.sign(payload)
    files.replace(path, data)
    files.sync_folder(path.rpartition("/")[0])
    return read(files, exchange, day, number)


def numbers_of(files: Files, exchange: str, day: int) -> list[int]:
    """The numbers of the certificates that there are of a day, ascending."""
    folder = folder_of(exchange)
    found = (parse(f"{folder}/{name}") for name in files.list(folder))
    mine = (each for each in found if isinstance(each, CertificatePath) and each.day == day)
    return sorted(each.number for each in mine)


def newest(files: Files, exchange: str, day: int) -> Certificate | None:
    """The certificate that counts; None if there is none.  Raises as `read`."""
    numbers = numbers_of(files, exchange, day)
    return read(files, exchange, day, numbers[-1]) if numbers else None


def read(files: Files, exchange: str, day: int, number: int) -> Certificate:
    """One certificate; raises `EnvelopeError` if it is none, or of another day."""
    path = certificate_path(CertificatePath(exchange, day, number))
    data = bytes(files.read(path))
    opened = open_envelope(data)
    found = parse_statement(opened.payload)
    said = found["predicate"]
    if (said.get("exchange"), said.get("day")) != (exchange, date_text(day)):
        raise EnvelopeError(f"it is of {said.get('exchange')}, {said.get('day')}")
    return Certificate(number, hashlib.sha256(data).hexdigest(), found, opened.key_ids)


def parse_statement(payload: bytes) -> dict[str, Any]:
    """A statement about completeness; raises `EnvelopeError` if it is none."""
    try:
        found = msgspec.json.decode(payload)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise EnvelopeError(f"it holds no statement: {error}") from error
    types = (STATEMENT_TYPE, PREDICATE_TYPE)
    if not isinstance(found, dict) or (found.get("_type"), found.get("predicateType")) != types:
        raise EnvelopeError("it holds a statement of another type")
    if not isinstance(found.get("predicate"), dict) or not isinstance(found.get("subject"), list):
        raise EnvelopeError("it holds half a statement")
    return found


def subject_name(exchange: str, symbol: str, table: str, day: int) -> str:
    """What a table-day is called among the subjects: its folder and day."""
    return f"{folder_of(exchange)}/{folder_of(symbol)}/{table}/{date_text(day)}"


def _subject(exchange: str, facts: StreamFacts, day: int) -> dict[str, Any]:
    name = subject_name(exchange, facts.symbol, facts.table, day)
    return {"name": name, "digest": {"sha256": facts.digest}}


def _place(symbol: str, table: str) -> tuple[str, int]:
    """Where a stream stands among the others."""
    tables = [each.value for each in Table]
    return symbol, tables.index(table) if table in tables else len(tables)


def stream_said(facts: StreamFacts) -> dict[str, Any]:
    """What is said of one stream."""
    rows = {word: facts.rows.get(origin, 0) for origin, word in _ORIGINS.items()}
    return {
        "symbol": facts.symbol,
        "table": facts.table.value,
        "condition": facts.condition.value,
        "proof": "proven" if facts.is_proven else _unproven(facts),
        "basis": _basis(facts),
        "rows": {"total": facts.total, **rows},
        "ids": _ids(facts),
        "times": {
            "first_event_ns": facts.first_event_ns,
            "last_event_ns": facts.last_event_ns,
            "covered": [list(span) for span in facts.covered],
            "covered_secs": facts.covered_secs,
        },
        "holes": list(_holes(facts.holes)),
        "digest": facts.digest,
    }


def _unproven(facts: StreamFacts) -> str:
    """What can be shown at best of a stream that is not proven."""
    return min(facts.proof, Proof.CONSISTENT).word


def _basis(facts: StreamFacts) -> str:
    """Why the proof is what it is, in words."""
    if facts.is_proven:
        return "trade ids rise by one; both ends bracketed"
    if facts.proof is Proof.UNPROVABLE:
        return "a message that is missing leaves no trace"
    if facts.holes:
        return "holes are known"
    if facts.ids is not None and facts.proof is Proof.PROVEN:
        ends = [facts.ids.before, facts.ids.after]
        return "no neighbour on each side" if None in ends else "ids do not join"
    return "what came fits together"


def _ids(facts: StreamFacts) -> dict[str, Any] | None:
    ids = facts.ids
    if ids is None or not ids.ranges:
        return None
    return {
        "ranges": [list(each) for each in ids.ranges],
        "count_of_ranges": ids.count,
        "neighbours": {"before": ids.before, "after": ids.after},
    }


def _holes(holes: Iterable[GapRecord]) -> Iterable[dict[str, Any]]:
    for hole in holes:
        yield {
            "from_id": hole.from_id,
            "to_id": hole.to_id,
            "from_ns": hole.from_ns,
            "to_ns": hole.to_ns,
            "cause": str(hole.cause),
            "status": "open",
        }
