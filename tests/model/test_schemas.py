"""Which columns a day has, as text and back, and how one day gains some."""

from __future__ import annotations

import attrs
import pytest

from tick_logger.model.schemas import NewerVersionError, Schema, Schemas
from tick_logger.model.tables import PRICE_DTYPES, SPECS, FileColumn, Table

FIRST_MD = [
    *("price", "volume", "side", "best_bid", "best_ask"),
    *("recv_time", "recv_nanos", "nanos", "time"),
]


@pytest.mark.parametrize("table", Table)
@pytest.mark.parametrize("price_dtype", PRICE_DTYPES)
@pytest.mark.parametrize("late", [False, True])
def test_text_and_back(table: Table, price_dtype: str, late: bool) -> None:
    """Columns, order and widths."""
    schema = Schema.written(table, price_dtype, late=late)
    assert Schema.parse(table, schema.text) == schema
    assert schema.names[-1] == SPECS[table].time_column


@pytest.mark.parametrize("width", ["f4", "f8"])
def test_the_first_version_is_one_word(width: str) -> None:
    """As it stands in directories that it wrote."""
    schema = Schema.parse(Table.MD, width)
    assert schema == Schema.first(Table.MD, width)
    assert schema.text == width
    assert list(schema.names) == FIRST_MD


def test_the_second_version() -> None:
    """What it added, where, and how wide it is."""
    main = Schema.written(Table.QUOTES, "f4+rest", late=False)
    late = Schema.written(Table.QUOTES, "f4+rest", late=True)
    assert main.names[5:7] == ("rest", "recv_time")
    assert late.names[5:8] == ("rest", "origin", "recv_time")
    assert (late.item_sizes["rest"], late.item_sizes["origin"]) == (16, 1)
    assert "rest" not in Schema.written(Table.QUOTES, "f8", late=True).names


def test_a_day_gains_columns_and_loses_none() -> None:
    """Whichever comes first."""
    first = Schema.first(Table.MD, "f4")
    both = first.union(Schema.written(Table.MD, "f4+rest", late=False))
    assert both == Schema.written(Table.MD, "f4+rest", late=False)
    assert both.union(first) == both
    assert first.union(first) is first


@pytest.mark.parametrize(
    "text", ["f2", "price=<f4 colour=<u4", "price=<f4 volume=<f8", "price=<u4", "rest=5<i4"]
)
def test_what_is_not_known_is_of_a_newer_version(text: str) -> None:
    """And refused, instead of being taken for less."""
    with pytest.raises(NewerVersionError, match="of MD is not known"):
        Schema.parse(Table.MD, text)


@pytest.mark.parametrize("price_dtype", PRICE_DTYPES)
def test_schemas_as_plain_data_and_back(price_dtype: str) -> None:
    """By table, late rows apart."""
    schemas = Schemas.written(price_dtype)
    assert Schemas.from_plain(price_dtype, schemas.to_plain()) == schemas


def test_nothing_stands_for_the_first_version() -> None:
    """Its entries named no columns."""
    assert Schemas.from_plain("f8", {}) == Schemas.first("f8")
    assert Schemas.first("f8") != Schemas.written("f8")


@pytest.mark.parametrize(
    ("price_dtype", "plain", "reason"),
    [
        ("f2", {}, '"f2" is not known'),
        ("f4+rest", {}, "without columns"),
        ("f4", {"COLOURS": "f4"}, "the table COLOURS is not known"),
        ("f4", {"late/MD": "hue=<u4"}, "column hue of MD is not known"),
    ],
)
def test_schemas_of_a_newer_version(price_dtype: str, plain: dict[str, str], reason: str) -> None:
    """Each is named."""
    with pytest.raises(NewerVersionError, match=reason):
        Schemas.from_plain(price_dtype, plain)


def test_columns_of_the_first_version_are_for_ever() -> None:
    """Nobody may rename one, or give it another width: old days are read with these."""
    said = {
        "MD": "price f4 volume f4 side u4 best_bid f4 best_ask f4",
        "TRADES": "trade_id u8 trade_price f4 trade_size f4 trade_side u4 maker_order_id V16 "
        "taker_order_id V16",
        "QUOTES": "update_id u8 best_bid f4 best_bid_size f4 best_ask f4 best_ask_size f4",
        "BOOK": "update_id u8 side u4 price f4 size f4 flags u4",
    }
    for table, text in said.items():
        prefix = "trade_" if table == "TRADES" else ""
        times = f"recv_time u4 recv_nanos u4 {prefix}nanos u4 {prefix}time u4"
        words = f"{text} {times}".split()
        schema = Schema.first(Table(table), "f4")
        kinds = [c.numpy_dtype("f4").str.lstrip("<|") for c in schema.columns]
        assert [word for each in zip(schema.names, kinds, strict=True) for word in each] == words


def test_absent_values_of_fields_that_came_later() -> None:
    """For adapters that do not know them yet."""
    later = FileColumn("spread", "f8", "spread", 3, float("nan"))
    spec = SPECS[Table.MD]
    grown = attrs.evolve(spec, fields={**spec.fields, "spread": "f8"}, files=(later, *spec.files))
    assert list(grown.absent) == ["spread"]
    assert spec.absent == {}
