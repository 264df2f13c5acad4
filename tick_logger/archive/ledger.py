"""What has become of each object: packed, stored, read back and found equal; and which days went.

One JSON object per line, each durable before the next step begins: so a repeat after a crash at any
moment goes on with the file that was kept, and never packs or stores the same twice under two
names.  Nothing local is let go of unless a line says that it was verified.

Invariant: lines are only ever appended, and a line that was torn is cut off before the next one.
Not here: what the steps are good for (`transfer`, `retention`).
"""

from __future__ import annotations

import enum
from collections.abc import Iterator
from typing import TypeAlias

import msgspec

from tick_logger.archive.keys import DOCUMENTS, LEDGER, SUMS
from tick_logger.errors import StorageError
from tick_logger.storage.files import Files


class Where(enum.StrEnum):
    """Where an object is kept."""

    LOCAL = "local"
    BUCKET = "s3"


class Packed(msgspec.Struct, frozen=True, kw_only=True, tag="packed", tag_field="step"):
    """An object was written, and is whole.

    `job` is the hash of what it was made of.  `late` says up to which row of its files in `late/`
    it has them, by symbol; so what came since can be told from what is packed.  `frames` are those
    of the journal that an object of messages as received is made of: the first, and the one behind
    the last.
    """

    at_ns: int
    job: str
    key: str
    sha256: str
    size: int  # bytes
    rows: int
    exchange: str
    day: int
    table: str
    late: dict[str, int] = {}
    frames: tuple[int, int] | None = None


class Covered(msgspec.Struct, frozen=True, kw_only=True, tag="covered", tag_field="step"):
    """Every entry of the journal's frames `first_seq` to `next_seq` (exclusive) is in an object.

    Written after the lines `packed` of these objects.  `layout`: where they lie, "hive" or
    "source"; the latter leaves out what is of no symbol, so that no journal can be made of it.
    """

    at_ns: int
    first_seq: int
    next_seq: int
    layout: str = "hive"


class Stored(msgspec.Struct, frozen=True, kw_only=True, tag="stored", tag_field="step"):
    """An object was sent, and its receipt acknowledged."""

    at_ns: int
    key: str
    where: Where


class Verified(msgspec.Struct, frozen=True, kw_only=True, tag="verified", tag_field="step"):
    """An object was read back as a whole, and its SHA-256 is that with which it was packed."""

    at_ns: int
    key: str
    where: Where
    sha256: str


class Released(msgspec.Struct, frozen=True, kw_only=True, tag="released", tag_field="step"):
    """The column files of a day may go, or have gone: from here on the archive is read instead."""

    at_ns: int
    exchange: str
    day: int


Step: TypeAlias = Packed | Covered | Stored | Verified | Released

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Step).decode


def steps(data: bytes) -> Iterator[Step]:
    """The steps in the bytes of a ledger, without a line that was torn; raises `StorageError`."""
    for number, line in enumerate(data[: data.rfind(b"\n") + 1].splitlines(), start=1):
        try:
            yield _decode(line)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise StorageError(f"{LEDGER}, line {number}: {error}") from error


class _Place:
    """What is to be verified in one place, and how much is: kept up with each step."""

    def __init__(self) -> None:
        self.waiting: dict[str, Packed] = {}  # by key
        self.size = 0  # bytes that are verified
        self._verified: dict[str, str] = {}  # the SHA-256 of then, by key

    def packed(self, step: Packed, before: Packed | None) -> None:
        """Something was packed, where `before` had the same key."""
        if before is not None and before.key not in self.waiting:
            self.size -= before.size
        self.waiting.pop(step.key, None)
        if self._verified.get(step.key) == step.sha256:
            self.size += step.size
        else:
            self.waiting[step.key] = step

    def verified(self, key: str, sha256: str) -> None:
        """Something was read back."""
        self._verified[key] = sha256
        packed = self.waiting.get(key)
        if packed is not None and packed.sha256 == sha256:
            del self.waiting[key]
            self.size += packed.size


Day: TypeAlias = tuple[str, int]
"""Exchange and UTC day (since 1970-01-01)."""


class Ledger:
    """The steps of one archive; raises `StorageError` if a line is none of them.

    A year has tens of thousands of objects: what is asked for in each cycle is kept up with each
    step, and costs as much as is waiting, not as much as there is.
    """

    def __init__(self, files: Files) -> None:
        self._files = files
        self._packed: dict[str, Packed] = {}  # by job
        self._by_key: dict[str, Packed] = {}
        self._by_day: dict[Day, dict[str, dict[str, Packed]]] = {}  # then by table, and by job
        self._stored: set[tuple[str, Where]] = set()
        self._places = {where: _Place() for where in Where}
        self._released: set[Day] = set()
        self._runs: dict[str, list[tuple[int, int]]] = {}  # of covered frames, by layout
        self._unlisted: dict[Day, None] = {}  # whose list of hashes lacks objects
        self._changed: dict[Day, None] = {}
        data = bytes(self._files.read(LEDGER)) if self._files.size(LEDGER) else b""
        for step in steps(data):
            self._learn(step)

    def add(self, step: Step) -> None:
        """Write a step down, durably; raises `OSError`, and the step is then not taken."""
        if isinstance(step, Verified):
            packed = self._by_key.get(step.key)
            assert packed is not None, f"{step.key} was never packed"
            assert packed.sha256 == step.sha256, f"{step.key} is verified as another"
        whole = self._cut()
        self._files.append(LEDGER, _encode(step) + b"\n")
        self._files.sync_file(LEDGER)
        if not whole:
            self._files.sync_folder(LEDGER.rpartition("/")[0])
            self._files.sync_folder()
        self._learn(step)

    def packed(self, job: str) -> Packed | None:
        """The object that was made of this, if there is one."""
        return self._packed.get(job)

    def of_key(self, key: str) -> Packed | None:
        """What was packed last under this key."""
        return self._by_key.get(key)

    def of_day(self, exchange: str, day: int, table: str) -> list[Packed]:
        """The objects of a day, in the order in which they were packed."""
        return list(self._by_day.get((exchange, day), {}).get(table, {}).values())

    def objects(self, exchange: str, day: int) -> list[Packed]:
        """All objects of a day, without documents."""
        tables = self._by_day.get((exchange, day), {})
        return [
            each for word, of in tables.items() if word not in DOCUMENTS for each in of.values()
        ]

    def late_packed(self, exchange: str, day: int, table: str) -> dict[str, int]:
        """Up to which row of its files in `late/` each symbol is packed.

        These files stay when a day is released, and go on.
        """
        found: dict[str, int] = {}
        for each in self.of_day(exchange, day, table):
            found |= each.late
        return found

    def all_packed(self) -> list[Packed]:
        """Every object, in the order in which they were packed."""
        return list(self._packed.values())

    def waiting(self, where: Where) -> list[Packed]:
        """What is not verified in a place, in the order in which it was packed."""
        return list(self._places[where].waiting.values())

    def kept_bytes(self, where: Where) -> int:
        """How much is verified in a place."""
        return self._places[where].size

    def unlisted(self) -> list[Day]:
        """The days with objects that came after their newest list of hashes."""
        return list(self._unlisted)

    def take_changed(self) -> list[Day]:
        """The days of which something was packed or verified since the last call."""
        changed, self._changed = list(self._changed), {}
        return changed

    def covered(self, layout: str = "hive") -> list[tuple[int, int]]:
        """Runs of the journal's frames that are packed: the first, and the one behind the last.

        Sorted, those that touch put together.
        """
        return list(self._runs.get(layout, ()))

    def is_stored(self, key: str, where: Where) -> bool:
        """Whether it was sent."""
        return (key, where) in self._stored

    def is_verified(self, key: str, where: Where) -> bool:
        """Whether it was read back and found equal to what was packed last under this key."""
        return key in self._by_key and key not in self._places[where].waiting

    def is_released(self, exchange: str, day: int) -> bool:
        """Whether the archive is read for this day."""
        return (exchange, day) in self._released

    def released(self) -> list[tuple[str, int]]:
        """Every released day, by exchange."""
        return sorted(self._released)

    def _learn(self, step: Step) -> None:
        match step:
            case Packed():
                self._learn_packed(step)
            case Covered():
                runs = self._runs.setdefault(step.layout, [])
                _add_run(runs, step.first_seq, step.next_seq)
            case Stored():
                self._stored.add((step.key, step.where))
            case Verified():
                self._places[step.where].verified(step.key, step.sha256)
                if (packed := self._by_key.get(step.key)) is not None:
                    self._changed[packed.exchange, packed.day] = None
            case Released():
                self._released.add((step.exchange, step.day))

    def _learn_packed(self, step: Packed) -> None:
        for place in self._places.values():
            place.packed(step, self._by_key.get(step.key))
        self._packed[step.job] = self._by_key[step.key] = step
        day = step.exchange, step.day
        self._by_day.setdefault(day, {}).setdefault(step.table, {})[step.job] = step
        self._changed[day] = None
        if step.table == SUMS:
            self._unlisted.pop(day, None)
        elif step.table not in DOCUMENTS:
            self._unlisted[day] = None

    def _cut(self) -> int:
        """Cut off a line that was torn; returns the size of what is whole."""
        size = self._files.size(LEDGER)
        if not size or bytes(self._files.read(LEDGER, size - 1)) == b"\n":
            return size
        whole = bytes(self._files.read(LEDGER)).rfind(b"\n") + 1
        self._files.truncate(LEDGER, whole)
        return whole


def _add_run(runs: list[tuple[int, int]], first: int, behind: int) -> None:
    """Put one more run of frames to those that are sorted and apart; most come at the end."""
    if runs and first < runs[-1][0]:
        later = [run for run in runs if run[0] > first]
        del runs[len(runs) - len(later) :]
        for each in ((first, behind), *later):
            _add_run(runs, *each)
    elif runs and first <= runs[-1][1]:
        runs[-1] = runs[-1][0], max(runs[-1][1], behind)
    else:
        runs.append((first, behind))
