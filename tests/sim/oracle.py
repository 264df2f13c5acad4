"""What must be on the disk after a story, and what may be missing.

Shares no code with the recorder: the truth comes from the exchanges and from the sockets, the
files are read with numpy and json.  `streams` judges what came out of sockets, `trades` what was
sent by what its venue can prove, `books` what the books are at the end.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping

import attrs

from tests.fakes.memory_files import MemoryFiles
from tests.service.oracle import is_derived, unwritten_symbols
from tests.service.world import dense
from tests.sim.book_steps import wrong_books
from tests.sim.books import last_book
from tests.sim.by_rest import over_budget
from tests.sim.court import TABLES, Court, Given, Key
from tests.sim.limits import needless_overflows, unnoticed_silences
from tests.sim.soundness import holes_of_what_is_there, holes_that_came, out_of_their_days
from tests.sim.streams import Stream
from tests.sim.trades import Beside, compared_with_truth
from tests.sim.unheard import unheard
from tests.sim.world import World
from tick_logger.archive.verifying import check_certificates
from tick_logger.derive.recovery import Recovery
from tick_logger.errors import StorageError
from tick_logger.reader.column_files import ColumnFiles
from tick_logger.reader.places import OwnPlaces
from tick_logger.reader.tree import FilesTree
from tick_logger.verify.tree import verify

SEGMENT = re.compile(r"journal/\d{8}\.tlj")
FIRST_SEGMENT = "journal/00000001.tlj"


@attrs.define(eq=False)
class Verdict:
    """What was found."""

    violations: list[str] = attrs.field(factory=list)
    counts: Counter[str] = attrs.field(factory=Counter)


UNCHECKED = "quality_checks_failed"
"""What the service says when it gives looking at rows up; nothing in a story is a reason."""


def judge(world: World) -> Verdict:
    """Check everything."""
    court = Court(world)
    verdict = Verdict(list(world.violations), court.counts)
    for name, exchange in world.exchanges.items():
        verdict.violations += (f"{name}: {rule}" for rule in exchange.violations)
        verdict.violations += _judged(court, name)
    verdict.violations += world.disk.readers.complaints
    verdict.violations += needless_overflows(world)
    if world.events[UNCHECKED]:
        verdict.violations.append("what was written is not checked any more")
    report = verify(world.disk, dense=dense, price_dtype=court.width)
    verdict.violations += (f"verify: {finding}" for finding in report.findings)
    verdict.violations += (f"verify: {note}" for note in report.notes)
    verdict.violations += _certified(court)
    verdict.violations += _replayed(court)
    return verdict


def _judged(court: Court, name: str) -> Iterator[str]:
    """All symbols of an exchange."""
    came, kept_back = court.what_came(name), court.kept_back(name)
    for row in court.snapshots(name):
        for symbol in court.world.exchanges[name].truth.symbols():
            came["BOOK", symbol][row]  # of a book that was fetched, nothing but the row is known
    for symbol in court.world.exchanges[name].truth.symbols():
        court.counts[f"symbols of {name}"] += 1
        try:
            for table in TABLES.values():
                stream = Stream(court, name, symbol, table)
                problems = _problems(stream, came, kept_back)
                yield from (f"{stream}: {problem}" for problem in problems)
        except (AssertionError, ValueError) as error:  # a table is none if its columns differ
            yield f"{name} {symbol}: {error}"
    yield from unnoticed_silences(court.world, court.venue(name), court.silences(name))
    yield from (f"{name}: {problem}" for problem in unheard(court, name))
    yield from (f"{name}: {problem}" for problem in over_budget(court, name))


def _problems(
    stream: Stream,
    came: dict[tuple[str, str], Given],
    kept_back: dict[tuple[str, str], set[Key]],
) -> Iterator[str]:
    """Of one table of one symbol."""
    table, symbol = stream.table, stream.symbol
    stream.court.counts["rows"] += len(stream)
    if not stream.court.ever_wanted(stream.exchange, symbol, table):
        if len(stream):
            yield "has rows, but was not asked for"
        return
    given = came[table, symbol]
    yield from stream.invented(given)
    yield from stream.lost(given)
    yield from stream.hasty(given)
    yield from stream.left_open()
    yield from out_of_their_days(stream)
    yield from holes_that_came(stream, given)
    yield from stream.misjudged()
    if table == "TRADES":
        yield from holes_of_what_is_there(stream)
        of_symbol = {each: came[each, symbol] for each in TABLES.values()}
        yield from compared_with_truth(stream, Beside(of_symbol, kept_back[table, symbol]))
    if table == "BOOK":
        yield from last_book(stream, given, kept_back[table, symbol])
        yield from wrong_books(stream, lost_unseen=bool(kept_back[table, symbol]))


def _certified(court: Court) -> Iterator[str]:
    """Whether the certificates, which no replay gives again, say what is on the disk."""
    disk = court.world.disk
    court.counts["certificates"] += sum("/certificate." in path for path in disk.contents)
    tree = FilesTree("nowhere", disk)
    for told in check_certificates(disk, ColumnFiles(tree, OwnPlaces(tree))):
        if told.is_fault:
            yield f"{told.path}: {told.text}"


def _replayed(court: Court) -> Iterator[str]:
    """Whether the journal alone, if none of it was removed, gives the same files again."""
    contents = court.world.disk.contents
    journal = {path: data for path, data in contents.items() if SEGMENT.fullmatch(path)}
    # Rows that a bug has kept out of a recovery are there again in a replay without the bug.
    if FIRST_SEGMENT not in journal or court.world.events["adapter_failed_on_the_journal"]:
        return
    court.counts["replayed"] += 1
    fresh = MemoryFiles()
    fresh.contents.update((path, bytearray(data)) for path, data in journal.items())
    recovery = Recovery(fresh, price_dtype=court.width)
    try:
        recovery.run(court.world.story.start_ns)
    except StorageError as error:
        yield f"replayed: {error}"
        return
    before, after = _derived(contents), _derived(fresh.contents)
    told = tuple(unwritten_symbols(court.world.disk))  # a replay has a place for these
    for path in sorted(before.keys() | after.keys()):
        if path.startswith(("unwritten.", *told)):
            continue
        if before.get(path, b"") != after.get(path, b""):
            yield f"replayed: {path} is {len(after.get(path, b''))} bytes, not as it was"


def _derived(contents: Mapping[str, bytearray]) -> dict[str, bytearray]:
    return {path: data for path, data in contents.items() if is_derived(path)}
