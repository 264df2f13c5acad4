"""Objects are where they are to be, byte by byte, whatever goes wrong on the way."""

from __future__ import annotations

from random import Random

import pytest

from tests.archive.kept import DAY, pack
from tests.fakes.memory_files import MemoryFiles
from tests.fakes.memory_store import Fault, MemoryStore
from tick_logger.archive.ledger import Ledger, Stored, Verified, Where
from tick_logger.archive.local_store import LocalStore
from tick_logger.archive.object_store import InFile, ObjectStore, StoreError, Trouble
from tick_logger.archive.transfer import Errand, Transfer, UnequalError, due, waits


class Rig:
    """An archive's root with one object, and a bucket."""

    def __init__(self) -> None:
        self.files = MemoryFiles()
        self.ledger = Ledger(self.files)
        self.packed = pack(self.ledger, self.files, DAY, 3)
        self.bucket = MemoryStore()
        stores: dict[Where, ObjectStore] = {
            Where.LOCAL: LocalStore(self.files),
            Where.BUCKET: self.bucket,
        }
        self.transfer = Transfer(stores, lambda packed: InFile(self.files, packed.key))
        self.local, self.remote = (
            Errand(self.packed, where) for where in (Where.LOCAL, Where.BUCKET)
        )

    @property
    def data(self) -> bytes:
        return bytes(self.files.contents[self.packed.key])


def test_what_is_due_and_when_it_is_not_any_more() -> None:
    """Each place for itself; stored is not verified."""
    rig = Rig()
    wanted = (Where.LOCAL, Where.BUCKET)
    assert due(rig.ledger, wanted) == [rig.local, rig.remote]
    rig.ledger.add(Stored(at_ns=1, key=rig.packed.key, where=Where.BUCKET))
    assert due(rig.ledger, wanted) == [rig.local, rig.remote]
    sha256 = rig.packed.sha256
    rig.ledger.add(Verified(at_ns=1, key=rig.packed.key, where=Where.BUCKET, sha256=sha256))
    assert due(rig.ledger, wanted) == [rig.local]
    assert due(rig.ledger, (Where.BUCKET,)) == []


def test_it_is_sent_once_and_compared() -> None:
    """What is in its place already is not sent at all."""
    rig = Rig()
    assert rig.transfer.store(rig.remote)
    assert not rig.transfer.store(rig.remote)
    assert not rig.transfer.store(rig.local)
    for errand in (rig.local, rig.remote):
        rig.transfer.read_back(errand)
    assert rig.bucket.puts == {rig.packed.key: 1}
    assert rig.bucket.objects[rig.packed.key] == (rig.data, rig.packed.sha256)


def test_a_lost_answer_doubles_nothing() -> None:
    """The second attempt finds it there, and reads it back."""
    rig = Rig()
    rig.bucket.faults.append(Fault.UNANSWERED)
    with pytest.raises(StoreError):
        rig.transfer.store(rig.remote)
    assert not rig.transfer.store(rig.remote)
    rig.transfer.read_back(rig.remote)
    assert rig.bucket.puts[rig.packed.key] == 1


@pytest.mark.parametrize("fault", [Fault.FLIPPED, Fault.TRUNCATED])
def test_what_is_spoilt_is_noticed_and_put_anew_when_asked(fault: Fault) -> None:
    """A size would not tell of a bit."""
    rig = Rig()
    rig.bucket.faults.append(fault)
    assert rig.transfer.store(rig.remote)
    for _ in range(2):
        with pytest.raises(UnequalError) as caught:
            rig.transfer.read_back(rig.remote)
        assert caught.value.trouble is Trouble.UNEQUAL
    rig.transfer.put_anew(rig.remote)
    rig.transfer.read_back(rig.remote)


def test_what_somebody_else_put_there_stays() -> None:
    """It says of itself that it is something else."""
    rig = Rig()
    rig.bucket.objects[rig.packed.key] = (b"theirs", "ff" * 32)
    assert not rig.transfer.store(rig.remote)
    with pytest.raises(UnequalError):
        rig.transfer.read_back(rig.remote)
    with pytest.raises(StoreError, match="is another object"):
        rig.transfer.put_anew(rig.remote)
    assert rig.bucket.objects[rig.packed.key][0] == b"theirs"


def test_what_has_changed_here_is_not_sent() -> None:
    """A bit that flipped on the local disk is told of, and the bucket never sees it."""
    rig = Rig()
    rig.files.contents[rig.packed.key][0] ^= 1
    with pytest.raises(UnequalError, match=r"\(local\)"):
        rig.transfer.store(rig.remote)
    with pytest.raises(UnequalError):
        rig.transfer.read_back(rig.local)
    assert rig.bucket.objects == {}


def test_what_is_gone_here_is_told() -> None:
    """In words, and as a trouble of the store."""
    rig = Rig()
    rig.files.remove(rig.packed.key)
    with pytest.raises(StoreError, match="cannot be read here") as caught:
        rig.transfer.store(rig.remote)
    assert caught.value.trouble is Trouble.ABSENT


def test_waits_grow_to_their_bound() -> None:
    """Four between five attempts, drawn between 1 s and bounds of 2, 4, 8 and 16 s, at most 30."""
    drawn = [list(waits(5, 1.0, 30.0, Random(seed))) for seed in range(400)]
    assert {len(each) for each in drawn} == {4}
    for place, bound in enumerate((2, 4, 8, 16)):
        found = [each[place] for each in drawn]
        assert 1.0 <= min(found) < 1.0 + 0.05 * bound
        assert 0.95 * bound < max(found) <= bound
    assert max(max(waits(9, 1.0, 30.0, Random(seed))) for seed in range(99)) <= 30.0
    assert list(waits(1, 1.0, 30.0, Random(0))) == []
