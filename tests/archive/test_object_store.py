"""What every implementation of the object store must do, on real servers too."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.archive.s3_servers import SERVERS, bucket
from tests.fakes.memory_files import MemoryFiles
from tests.fakes.memory_store import InMemory, MemoryStore
from tests.fakes.sim_disk import SimDisk
from tick_logger.archive.bucket import Address, Bucket, Credentials
from tick_logger.archive.local_store import LocalStore
from tick_logger.archive.object_store import (
    MOST_AT_ONCE_BYTES,
    PIECE_BYTES,
    AlreadyThereError,
    Found,
    InFile,
    ObjectStore,
    StoreError,
    Trouble,
)
from tick_logger.errors import ConfigError
from tick_logger.storage.disk_files import DiskFiles

KEY = "data/table=trades/exchange=A%2FB/date=2026-11-29/here-0123456789ab.parquet"


def _name(request: pytest.FixtureRequest) -> str:
    """A bucket for each test."""
    return f"b{hashlib.sha256(request.node.nodeid.encode()).hexdigest()[:20]}"


@pytest.fixture(params=["disk", "simulated", "memory", *SERVERS, "moto, prefix"])
def store(
    request: pytest.FixtureRequest, tmp_path: Path, addresses: dict[str, str]
) -> Iterator[ObjectStore]:
    files = DiskFiles(tmp_path / "root", max_open=2)
    made: ObjectStore
    match request.param:
        case "disk":
            made = LocalStore(files)
        case "simulated":
            made = LocalStore(SimDisk())
        case "memory":
            made = MemoryStore()
        case name:
            prefix = "all/of it" if "prefix" in name else ""
            made = bucket(addresses[name.split(",")[0]], _name(request), prefix=prefix)
    made.prepare()
    yield made
    files.close()


def sha(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def put(store: ObjectStore, key: str, data: bytes, *, replace: bool = False) -> None:
    store.put(key, InMemory(data), sha(data), replace=replace)


def got(store: ObjectStore, key: str) -> bytes:
    return b"".join(store.read(key))


def test_what_is_put_is_read_back(store: ObjectStore) -> None:
    """Byte for byte, and its size is told."""
    put(store, KEY, b"rows")
    assert got(store, KEY) == b"rows"
    found = store.head(KEY)
    assert found is not None
    assert (found.key, found.size) == (KEY, 4)
    assert found.sha256 in ("", sha(b"rows"))  # where it can be kept, it is


def test_nothing_is_overwritten_unless_that_is_asked_for(store: ObjectStore) -> None:
    """Not even by the same; what is there already stays."""
    put(store, KEY, b"first")
    for data in (b"second", b"first"):
        with pytest.raises(AlreadyThereError):
            put(store, KEY, data)
    assert got(store, KEY) == b"first"
    put(store, KEY, b"second", replace=True)
    assert got(store, KEY) == b"second"


def test_what_is_not_there(store: ObjectStore) -> None:
    """Is known to be absent."""
    assert store.head(KEY) is None
    assert list(store.list("data/")) == []
    with pytest.raises(StoreError) as caught:
        got(store, KEY)
    assert caught.value.trouble is Trouble.ABSENT


def test_the_list_has_all_of_a_beginning(store: ObjectStore) -> None:
    """By key, with sizes; of a folder, and of the beginning of a name."""
    for number, key in enumerate(("data/b/2", "data/b/1", "data/a", "meta/x")):
        put(store, key, b"." * number)
    assert list(store.list("data/")) == [
        Found("data/a", 2), Found("data/b/1", 1), Found("data/b/2", 0),
    ]  # fmt: skip
    assert [each.key for each in store.list("data/b/1")] == ["data/b/1"]
    assert [each.key for each in store.list("")] == ["data/a", "data/b/1", "data/b/2", "meta/x"]


def test_prepared_twice_keeps_what_is_there(store: ObjectStore) -> None:
    """As every start does."""
    put(store, KEY, b"rows")
    store.prepare()
    assert got(store, KEY) == b"rows"


def test_a_file_is_put_in_pieces(store: ObjectStore, tmp_path: Path) -> None:
    """Of a length that is no multiple of a piece, and read in pieces too."""
    data = bytes(range(256)) * (PIECE_BYTES // 128) + b"end"
    files = MemoryFiles()
    files.append("x", data)
    store.put(KEY, InFile(files, "x"), sha(data))
    pieces = list(store.read(KEY))
    assert b"".join(pieces) == data
    assert max(map(len, pieces)) <= 2 * PIECE_BYTES


@pytest.mark.slow
@pytest.mark.parametrize("name", SERVERS)
def test_a_large_object_goes_in_parts(
    request: pytest.FixtureRequest, addresses: dict[str, str], name: str
) -> None:
    """And is not sent again where it is."""
    store = bucket(addresses[name], _name(request))
    store.prepare()
    data = bytes(MOST_AT_ONCE_BYTES + 5)
    put(store, KEY, data)
    digest = hashlib.sha256()
    for piece in store.read(KEY):
        digest.update(piece)
    assert digest.hexdigest() == sha(data)
    with pytest.raises(AlreadyThereError):
        put(store, KEY, data)


@pytest.mark.parametrize("region", ["us-east-1", "eu-west-1"])
@pytest.mark.parametrize("name", SERVERS)
def test_a_bucket_is_made_if_it_is_missing(
    request: pytest.FixtureRequest, addresses: dict[str, str], name: str, region: str
) -> None:
    """In its region; before that, it is said to be missing."""
    store = bucket(addresses[name], _name(request), region=region, prefix="p")
    with pytest.raises(StoreError) as caught:
        put(store, KEY, b"rows")
    assert caught.value.trouble is Trouble.NO_BUCKET
    store.prepare()
    put(store, KEY, b"rows")
    assert got(store, KEY) == b"rows"


def test_nobody_is_there() -> None:
    """The store is unreachable, and nothing of the credentials is said."""
    where = Address(bucket="b", region="eu-west-1", endpoint="http://127.0.0.1:9")
    store = Bucket(where, Credentials("id-id", "secret-secret"))
    with pytest.raises(StoreError) as caught:
        put(store, KEY, b"rows")
    assert caught.value.trouble is Trouble.UNREACHABLE
    assert "secret" not in f"{caught.value} {store!r} {Credentials('id-id', 'secret-secret')}"


def test_a_local_object_survives_the_power() -> None:
    """From the moment on that it is put."""
    from random import Random

    for cut in range(60):
        disk = SimDisk(Random(cut))
        LocalStore(disk).put(KEY, InMemory(b"rows"), sha(b"rows"))
        disk.crash(Random(cut))
        assert got(LocalStore(disk), KEY) == b"rows"


def test_a_local_object_is_never_a_part_of_one() -> None:
    """Whenever the power is cut: there is nothing under its name, or all of it."""
    from random import Random

    from tests.fakes.sim_disk import PowerCut

    whole = 0
    for operation in range(1, 16):
        for cut in range(20):
            disk = SimDisk(Random(cut))
            disk.power_cut_at(operation)
            try:
                LocalStore(disk).put(KEY, InMemory(b"rows" * 400), sha(b"rows" * 400))
            except PowerCut:
                disk.crash(Random(cut))
            if KEY in disk.contents:
                whole += 1
                assert bytes(disk.contents[KEY]) == b"rows" * 400
    assert whole


def test_troubles_of_a_disk_have_words() -> None:
    """A full one is not an unreachable one."""
    files = MemoryFiles(capacity_bytes=3)
    with pytest.raises(StoreError) as caught:
        put(LocalStore(files), KEY, b"rows")
    assert caught.value.trouble is Trouble.FULL
    assert not files.exists(KEY)


@pytest.mark.parametrize(
    "environ",
    [
        {"AWS_ACCESS_KEY_ID": "i", "AWS_SECRET_ACCESS_KEY": "s"},
        {"AWS_ACCESS_KEY": "i", "AWS_SECRET_KEY": "s"},
        {"AWS_ACCESS_KEY": "x", "AWS_SECRET_KEY": "y", "AWS_ACCESS_KEY_ID": "i",
         "AWS_SECRET_ACCESS_KEY": "s"},
    ],
)  # fmt: skip
def test_credentials_have_two_pairs_of_names(environ: dict[str, str]) -> None:
    """The usual one counts where both are there."""
    assert Credentials.of(environ) == Credentials("i", "s")


@pytest.mark.parametrize(
    ("environ", "path"),
    [
        ({}, "archive.s3"),
        ({"AWS_ACCESS_KEY_ID": "i"}, "AWS_SECRET_ACCESS_KEY"),
        ({"AWS_SECRET_KEY": "i"}, "AWS_ACCESS_KEY"),
    ],
)
def test_half_of_credentials_is_none(environ: dict[str, str], path: str) -> None:
    """It is said what is missing."""
    with pytest.raises(ConfigError) as caught:
        Credentials.of(environ)
    assert [where for where, _ in caught.value.problems] == [path]
