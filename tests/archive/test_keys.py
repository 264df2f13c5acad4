"""Names of objects, there and back, and what is no name of an object."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tick_logger.archive.keys import RawKey, TypedKey, certificate_key, parse, sums_key
from tick_logger.model.tables import Table

DAY = 20_786  # 2026-11-29
DIGEST = "0123456789ab"

servers = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._-]{0,30}", fullmatch=True)
digests = st.from_regex(r"[0-9a-f]{12}", fullmatch=True)
days = st.integers(0, 30_000)
exchanges = st.text(min_size=1, max_size=20)


def test_the_names_are_those_that_readers_know() -> None:
    """Written down: other programs list them."""
    folder = "exchange=okx/date=2026-11-29"
    typed = TypedKey(Table.TRADES, "okx", DAY, "a-1", DIGEST)
    assert str(typed) == f"data/table=trades/{folder}/a-1-{DIGEST}.parquet"
    raw = RawKey("okx", DAY, "a-1", 77, DIGEST)
    assert str(raw) == f"data/table=raw/{folder}/a-1-77-{DIGEST}.parquet"
    assert certificate_key("okx", DAY, 2) == "meta/okx/certificate.2026-11-29.2.json"
    assert sums_key("okx", DAY) == "meta/okx/SHA256SUMS.2026-11-29"


@given(st.sampled_from(Table), exchanges, days, servers, digests)
def test_a_typed_object_is_known_by_its_name(
    table: Table, exchange: str, day: int, server: str, digest: str
) -> None:
    """Whatever exchange and server are called."""
    key = TypedKey(table, exchange, day, server, digest)
    assert parse(str(key)) == key


@given(exchanges, days, servers, st.integers(0, 2**63), digests)
def test_a_raw_object_is_known_by_its_name(
    exchange: str, day: int, server: str, first_seq: int, digest: str
) -> None:
    """The number of its first frame is not taken for a part of the server's name."""
    key = RawKey(exchange, day, server, first_seq, digest)
    assert parse(str(key)) == key


@pytest.mark.parametrize(
    "key",
    [
        "",
        "data/table=trades/exchange=okx/date=2026-11-29/",
        f"data/table=trades/exchange=okx/date=2026-11-29/a-{DIGEST}.parquet.part",
        f"data/table=trades/exchange=okx/date=2026-13-29/a-{DIGEST}.parquet",
        f"data/table=funding/exchange=okx/date=2026-11-29/a-{DIGEST}.parquet",
        f"data/table=raw/exchange=okx/date=2026-11-29/a-{DIGEST}.parquet",
        f"data/table=trades/exchange=okx/date=2026-11-29/sub/a-{DIGEST}.parquet",
        f"data/table=trades/exchange=a/b/date=2026-11-29/a-{DIGEST}.parquet",
        "meta/ledger.jsonl",
    ],
)
def test_nothing_else_is_an_object(key: str) -> None:
    """What is being written, other folders, other tables."""
    assert parse(key) is None
