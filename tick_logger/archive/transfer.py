"""Brings each packed object to where it is kept, and shows that it is there: byte by byte.

    put, nothing overwritten -> ledger `stored` -> read back, SHA-256 compared -> ledger `verified`

An answer may be lost, so that something has the key already: it is read back like any other.

What is unequal is a loud error.  It is read again; what is unequal in the same way twice lies so in
the store, and is put anew, once in a cycle: its key names the hash of other bytes, so that nothing
is lost by it.  But where the store tells a hash beside it that is not this object's, somebody else
put it there on purpose, and it is left alone, and told of, until somebody looks.

Invariant: nothing is `verified` whose bytes were not read from where it is kept.

Blocking; several threads may work on different objects.  Not here: threads, waiting and the ledger
(`archiver`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from random import Random

import attrs

from tick_logger.archive.keys import SUMS
from tick_logger.archive.ledger import Ledger, Packed, Where
from tick_logger.archive.object_store import (
    AlreadyThereError,
    Content,
    ObjectStore,
    StoreError,
    Trouble,
)


@attrs.frozen
class Errand:
    """One object that is to be in one place."""

    packed: Packed
    where: Where


class UnequalError(StoreError):
    """What is kept is not what was packed; `found` is the SHA-256 of what is there."""

    def __init__(self, errand: Errand, found: str) -> None:
        self.found = found
        key, sha256 = errand.packed.key, errand.packed.sha256
        words = f"{key} ({errand.where}) has the SHA-256 {found}, and was packed with {sha256}"
        super().__init__(Trouble.UNEQUAL, words)


def due(ledger: Ledger, wanted: Sequence[Where]) -> list[Errand]:
    """What is not verified yet, by place, as it was packed; of lists the newest."""
    return [Errand(each, where) for where in wanted for each in ledger.waiting(where)]


def waits(attempts: int, initial_secs: float, max_secs: float, rng: Random) -> Iterator[float]:
    """How long to wait before each attempt but the first, within one cycle.

    Each is drawn between `initial_secs` and a bound that doubles up to `max_secs`, so that many
    objects that failed together are not tried together again.
    """
    bound = initial_secs
    for _ in range(attempts - 1):
        bound = min(bound * 2, max_secs)
        yield rng.uniform(min(initial_secs, max_secs), bound)


class Transfer:
    """Puts and reads back; `content_of` gives the bytes of what was packed."""

    def __init__(
        self, stores: Mapping[Where, ObjectStore], content_of: Callable[[Packed], Content]
    ) -> None:
        self._stores = stores
        self._content_of = content_of

    def store(self, errand: Errand) -> bool:
        """Put an object where it is to be; False if something has its key already.

        Raises `StoreError`, and `UnequalError` if what was packed is not what lies here any more.
        """
        key, store = errand.packed.key, self._stores[errand.where]
        if errand.where is Where.LOCAL and store.head(key) is not None:
            return False  # who packed it has put it there
        try:
            replace = errand.packed.table == SUMS
            store.put(key, self._sound(errand), errand.packed.sha256, replace=replace)
        except AlreadyThereError:
            return False
        return True

    def read_back(self, errand: Errand) -> None:
        """Read all of it from where it is kept; raises `UnequalError`, or `StoreError`."""
        found = _digest(self._stores[errand.where].read(errand.packed.key))
        if found != errand.packed.sha256:
            raise UnequalError(errand, found)

    def put_anew(self, errand: Errand) -> None:
        """Replace what is unequal; raises `StoreError` if it is somebody else's, or that fails."""
        store, packed = self._stores[errand.where], errand.packed
        found = store.head(packed.key)
        if found is not None and found.sha256 not in ("", packed.sha256):
            words = (
                f"{packed.key} ({errand.where}) is another object, put there with {found.sha256}"
            )
            raise StoreError(Trouble.REFUSED, words)
        store.put(packed.key, self._sound(errand), packed.sha256, replace=True)

    def _sound(self, errand: Errand) -> Content:
        """The bytes of an object, if they are still those that were packed."""
        packed = errand.packed
        content = self._content_of(packed)
        try:
            found = _digest(content.pieces())
        except OSError as error:
            words = f"{packed.key} cannot be read here: {error.strerror or error}"
            raise StoreError(Trouble.ABSENT, words) from error
        if found != packed.sha256:
            raise UnequalError(attrs.evolve(errand, where=Where.LOCAL), found)
        return content


def _digest(pieces: Iterator[bytes]) -> str:
    digest = hashlib.sha256()
    for piece in pieces:
        digest.update(piece)
    return digest.hexdigest()
