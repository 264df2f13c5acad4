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

import attrs
import msgspec

from tick_logger.archive.keys import LEDGER
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


class Ledger:
    """The steps of one archive; raises `StorageError` if a line is none of them."""

    def __init__(self, files: Files) -> None:
        self._files = files
        self._packed: dict[str, Packed] = {}  # by job
        self._by_key: dict[str, Packed] = {}
        self._by_day: dict[tuple[str, int, str], dict[str, Packed]] = {}  # and then by job
        self._stored: set[tuple[str, Where]] = set()
        self._verified: dict[tuple[str, Where], str] = {}  # the SHA-256 of then
        self._released: set[tuple[str, int]] = set()
        self._covered: list[Covered] = []
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

    def of_day(self, exchange: str, day: int, table: str) -> list[Packed]:
        """The objects of a day, in the order in which they were packed."""
        return list(self._by_day.get((exchange, day, table), {}).values())

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

    def covered(self, layout: str = "hive") -> list[tuple[int, int]]:
        """Runs of the journal's frames that are packed: the first, and the one behind the last.

        Sorted, those that touch put together.
        """
        runs: list[tuple[int, int]] = []
        for each in sorted(self._covered, key=lambda step: step.first_seq):
            if each.layout != layout:
                continue
            if runs and each.first_seq <= runs[-1][1]:
                runs[-1] = (runs[-1][0], max(runs[-1][1], each.next_seq))
            else:
                runs.append((each.first_seq, each.next_seq))
        return runs

    def is_stored(self, key: str, where: Where) -> bool:
        """Whether it was sent."""
        return (key, where) in self._stored

    def is_verified(self, key: str, where: Where) -> bool:
        """Whether it was read back and found equal to what was packed last under this key."""
        packed = self._by_key.get(key)
        return packed is not None and self._verified.get((key, where)) == packed.sha256

    def is_released(self, exchange: str, day: int) -> bool:
        """Whether the archive is read for this day."""
        return (exchange, day) in self._released

    def released(self) -> list[tuple[str, int]]:
        """Every released day, by exchange."""
        return sorted(self._released)

    def _learn(self, step: Step) -> None:
        match step:
            case Packed():
                self._packed[step.job] = self._by_key[step.key] = step
                of_day = self._by_day.setdefault((step.exchange, step.day, step.table), {})
                of_day[step.job] = step
            case Covered():
                self._covered.append(step)
            case Stored():
                self._stored.add((step.key, step.where))
            case Verified():
                self._verified[step.key, step.where] = step.sha256
            case Released():
                self._released.add((step.exchange, step.day))

    def _cut(self) -> int:
        """Cut off a line that was torn; returns the size of what is whole."""
        size = self._files.size(LEDGER)
        if not size or bytes(self._files.read(LEDGER, size - 1)) == b"\n":
            return size
        whole = bytes(self._files.read(LEDGER)).rfind(b"\n") + 1
        self._files.truncate(LEDGER, whole)
        return whole


@attrs.frozen
class Totals:
    """What is kept of an archive: objects and bytes, and how many of them are not verified yet."""

    objects: int
    size: int
    unverified: int

    @classmethod
    def of(cls, ledger: Ledger, where: Where) -> Totals:
        """Those in one place."""
        packed = ledger.all_packed()
        waiting = sum(not ledger.is_verified(each.key, where) for each in packed)
        return cls(len(packed), sum(each.size for each in packed), waiting)
