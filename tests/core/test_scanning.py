"""What the compiled core takes of JSON, and what it leaves."""

from __future__ import annotations

import json
import re
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.core.both_ways import needs_core, without_core
from tick_logger import core
from tick_logger.core.scanning import Reading, Scanner, Taken
from tick_logger.core.shape import (
    MESSAGE,
    MOST_INTEGER,
    After,
    Begins,
    Each,
    Integer,
    IsoTime,
    Members,
    Never,
    Node,
    Number,
    Shape,
    Symbol,
    Token,
    Tuple,
    UnixTime,
    Uuid,
    Word,
)
from tick_logger.exchanges import times
from tick_logger.model.payloads import Payloads
from tick_logger.model.tables import NO_TIME

pytestmark = needs_core
KNOWN = {"A": 7, "B": 8}


def scanned(members: dict[str, Node], *messages: bytes) -> tuple[list[int], Taken | None]:
    """Which messages are left, and what was taken."""
    together = Payloads.of(messages)
    found = Scanner([Reading(Shape(members))]).scan(together.block, together.packed, KNOWN)
    assert found is not None
    return found[0].tolist(), found[1].get(0)


def value(node: Node, text: str | bytes) -> Any:  # noqa: ANN401 - of a column of any kind
    """What becomes of a value; None if it is left."""
    sent = text.encode() if isinstance(text, str) else text
    left, taken = scanned({"v": node}, b'{"v":%b}' % sent)
    if taken is None:
        assert left == [0]
        return None
    return taken.messages["v"][0]


@given(
    st.decimals(0, 10**12, allow_nan=False).map(lambda d: f"{abs(d):f}"),
    st.just("") | st.integers(-40, 40).map("E{}".format),
)
def test_a_decimal_that_is_taken_is_exact(text: str, exponent: str) -> None:
    """As Python reads it; bare or as a text."""
    text += exponent
    for spelling in (text, f'"{text}"'):
        found = value(Number("v"), spelling)
        assert found is None or struct.pack("d", found) == struct.pack("d", float(text))


@given(st.integers(0, 2**53), st.integers(0, 22))
def test_decimals_of_usual_size_are_taken(mantissa: int, scale: int) -> None:
    digits = str(mantissa).zfill(scale + 1)
    text = f"{digits[:-scale]}.{digits[-scale:]}" if scale else digits
    assert value(Number("v"), text) == float(text)
    assert value(Number("v"), f"{mantissa}e{-scale}") == float(f"{mantissa}e{-scale}")


@pytest.mark.parametrize(
    "text",
    ["1e23", "1e", "1e+", "1e005", "1e-23", "-1", "01", "1.", ".5", "+1", '""', "null", '" 1"',
     '"1 "', '"nan"', '"inf"', "true", "1234567890123456789",
     "9007199254740993", '"0.00000000000000000000001"', "[]", "{}", '"1'],
)  # fmt: skip
def test_other_numbers_are_left(text: str) -> None:
    assert value(Number("v"), text) is None


def test_numbers_end_at_their_bounds() -> None:
    """The lowest belongs to them, the highest does not."""
    assert value(Number("v", lowest=1.0, highest=2.0), "1") == 1.0
    assert value(Number("v", lowest=1.0, highest=2.0), "2") is None
    assert value(Number("v", lowest=1.0, highest=2.0), "0.999") is None
    assert value(Integer("v", low=-1, high=3), "-1") == -1
    assert value(Integer("v", low=-1, high=3), '"3"') == 3
    assert value(Integer("v", low=-1, high=3), "4") is None
    assert value(Integer("v"), str(MOST_INTEGER)) == MOST_INTEGER
    assert [value(Integer("v"), text) for text in ("-0", "1.0", "1e2", "00", "-1")] == [None] * 5
    assert [value(Integer("v"), f"{2**63 + more}") for more in (-1, 0)] == [2**63 - 1, None]
    assert value(Integer("v"), "9" * 19) is None
    assert value(Integer("v"), "1" + "0" * 19) is None


@given(st.integers(0, MOST_INTEGER))
def test_unix_times_are_those_of_the_adapters(number: int) -> None:
    (expected,) = times.unix_times([number]).tolist()
    found = value(UnixTime("v"), str(number))
    assert found == (None if expected == NO_TIME else expected)


@given(st.datetimes(), st.integers(0, 9), st.integers(0, 10**9 - 1))
def test_iso_times_are_those_of_the_adapters(moment: Any, places: int, nanos: int) -> None:  # noqa: ANN401
    """All decimals that may be sent; none outside 2000 to 2100."""
    decimals = f".{nanos:09d}"[: places + 1] if places else ""
    text = f"{moment.replace(microsecond=0).isoformat()}{decimals}Z"
    expected = times.iso_time(text)
    assert value(IsoTime("v"), f'"{text}"') == (None if expected == NO_TIME else expected)


@pytest.mark.parametrize("year", range(1999, 2102))
def test_iso_times_know_all_days(year: int) -> None:
    for day in ("01-01", "02-28", "02-29", "03-01", "04-31", "12-31", "13-01", "00-10", "05-00"):
        text = f"{year}-{day}T12:34:56Z"
        expected = times.iso_time(text)
        found = value(IsoTime("v"), f'"{text}"')
        assert found == (None if expected in (None, NO_TIME) else expected)


def test_uuids_words_and_symbols() -> None:
    uuid = "ABCDEF01-2345-6789-abcd-ef0123456789"
    assert value(Uuid("v"), f'"{uuid}"').tobytes().hex() == uuid.replace("-", "").lower()
    assert value(Uuid("v"), f'"{uuid[:-1]}"') is None
    assert value(Uuid("v"), f'"{uuid[:-1]}g"') is None
    assert value(Word("v", words={"buy": 1, "sell": 0}), '"sell"') == 0
    assert value(Word("v", words={"buy": 1}), '"buys"') is None
    assert value(Begins("v", words={"orderbook.1.": 4}), '"orderbook.1.X"') == 4
    assert value(Begins("v", words={"orderbook.1.": 4}), '"orderbook.1"') is None
    assert value(After("v", words={"@trade": 2}), '"x@trade"') == 2
    assert value(After("v", words={"@trade": 2}), '"x@y@trade"') is None
    assert value(After("v", words={"@trade": 2}), '"trade"') is None
    assert value(Token("v", words={"true": 1, "false": 0}), "false") == 0
    assert value(Token("v", words={"true": 1}), "truer") is None
    assert value(Symbol("v"), '"B"') == 8
    assert value(Symbol("v"), '"C"') is None
    assert value(Symbol("v"), f'"{"B" * 65}"') is None
    assert value(Never("v"), "1") is None


@pytest.mark.parametrize(
    "message",
    [
        b'{"a":1}',
        b' {"x":[{"y":[1,"]"]},{}],"a":1 } ',
        b'{"a":1,"x":-1.5e-3}',
        b'{"x":null,"a":"1"}',
    ],
)
def test_what_nobody_asked_for_is_passed_over(message: bytes) -> None:
    left, taken = scanned({"a": Integer("a")}, message)
    assert (left, taken and taken.messages["a"].tolist()) == ([], [1])


@pytest.mark.parametrize(
    "message",
    [b"", b"{}", b"[]", b"1", b'{"a":1', b'{"a":1}}', b'{"a":1}x', b'{"a":1,"a":1}', b'{"b":1}',
     b'{"a":1,}', b'{"a":1 "b":2}', b'{"a" 1}', b'{"a":1,"x":"\\n"}', b'{"a":1,"x":"\xc3\xa9"}',
     b'{"a":1,"x":"\t"}', b'{"a":1,"x":01}', b'{"a":1,"x":1.}', b'{"a":1,"x":1e400}', b'{"a":nul',
     b'{"a":1,"x":tru}', b'{"a":1,"x":' + b"[" * 40 + b"]" * 40 + b"}", b'{"\\u0061":1}',
     b'{"a":1,"never":0}'],
)  # fmt: skip
def test_anything_else_is_left(message: bytes) -> None:
    assert scanned({"a": Integer("a"), "never": Never()}, message) == ([0], None)


LEVEL = Tuple((Number("price"), Number("size", spelled=True)))
BOOK: dict[str, Node] = {
    "s": Symbol("instrument"),
    "books": Each(
        "books",
        Members(
            {
                "t": Integer("t", default=-1, optional=True),
                "b": Each("levels", LEVEL, "side", 1, optional=True),
                "a": Each("levels", LEVEL, "side", 0, optional=True),
            }
        ),
    ),
}


def test_lists_in_lists_become_rows_in_the_declared_order() -> None:
    """Of each message, whichever list comes first; and each row knows what it belongs to."""
    messages = [
        b'{"s":"B","books":[{"b":[["1","0.10"],[2,"3",9]],"a":[["4","5"]],"t":1},{"a":[[6,7]]}]}',
        b'{"books":[{"a":[["8","9"]],"b":[["10","11"]]}],"s":"A"}',
        b'{"s":"A","books":[]}',
        b'{"s":"A","books":[{"b":[["1"]]}]}',
        b'{"s":"C","books":[{"b":[["1","1"]]}]}',
    ]
    left, taken = scanned(BOOK, *messages)
    assert left == [3, 4]
    assert taken is not None
    levels = taken["levels"]
    assert taken.messages["instrument"].tolist() == [8, 7, 7]
    assert taken.frame(MESSAGE).tolist() == [0, 1, 2]
    assert taken["books"]["t"].tolist() == [1, -1, -1]
    assert taken["books"].of.tolist() == [0, 0, 1]
    assert levels["price"].tolist() == [1.0, 2.0, 4.0, 6.0, 10.0, 8.0]
    assert levels["side"].tolist() == [1, 1, 0, 0, 1, 0]
    assert levels.of.tolist() == [0, 0, 0, 1, 2, 2]
    assert taken.frame("levels").tolist() == [0, 0, 0, 0, 1, 1]
    block = b"".join(messages)
    spelled = [block[at >> 8 : (at >> 8) + (at & 255)] for at in levels["size_at"].tolist()]
    assert spelled == [b"0.10", b"3", b"5", b"7", b"11", b"9"]


def test_a_list_that_is_too_short_is_left() -> None:
    node = Each("rows", Integer("v"), fewest=2)
    assert scanned({"v": node}, b'{"v":[1,2]}', b'{"v":[1]}', b'{"v":[]}')[0] == [1, 2]


def test_there_may_be_any_number_of_rows_and_names() -> None:
    """Many more than there is room for at the beginning."""
    names = {f"S{number}": number for number in range(5_000)}
    rows = [{"s": f"S{number * 7 % 5_000}", "v": number} for number in range(20_000)]
    message = json.dumps({"rows": rows}).encode()
    row = Members({"s": Symbol("s"), "v": Integer("v")})
    together = Payloads.of([message, message])
    found = Scanner([Reading(Shape({"rows": Each("rows", row)}))]).scan(
        together.block, together.packed, names
    )
    assert found is not None
    taken = found[1][0]["rows"]
    assert taken["v"].tolist() == list(range(20_000)) * 2
    assert taken["s"].tolist() == [number * 7 % 5_000 for number in range(20_000)] * 2


def test_a_message_that_fails_in_its_midst_leaves_no_row() -> None:
    """Nor do the rows of the next one belong to it."""
    good, bad = b'{"rows":[1,2,3]}', b'{"rows":[1,2,"x"]}'
    left, taken = scanned({"rows": Each("rows", Integer("v"))}, bad, good, bad, bad, good, bad)
    assert left == [0, 2, 3, 5]
    assert taken is not None
    assert taken["rows"]["v"].tolist() == [1, 2, 3, 1, 2, 3]
    assert taken.frame("rows").tolist() == [1, 1, 1, 4, 4, 4]


def test_the_first_shape_that_fits_takes_a_message() -> None:
    one, two = (
        Shape({"k": Word(words={"a": 0})}),
        Shape({"k": Word(words={"b": 0}), "v": Integer("v")}),
    )
    together = Payloads.of([b'{"k":"b","v":3}', b'{"k":"a"}', b'{"k":"c"}', b'{"k":"b","v":4}'])
    scanner = Scanner([Reading(one), Reading(two)])
    found = scanner.scan(together.block, together.packed, {})
    assert found is not None
    assert found[0].tolist() == [2]
    assert found[1][0].frame(MESSAGE).tolist() == [1]
    assert found[1][1].messages["v"].tolist() == [3, 4]


def test_without_the_core_nothing_is_scanned() -> None:
    with without_core():
        assert Scanner([Reading(Shape({"v": Integer("v")}))]).scan(b"", b"", {}) is None


# -- what could do harm ----------------------------------------------------------------------------

NODE: tuple[Any, ...] = (3, b"v", True, 2, 0, 0, 1, False, 0, 9, 0.0, 0.0, ())
ROOT: tuple[Any, ...] = (0, b"", True, 1, 1, 0, -1, False, 0, 0, 0.0, 0.0, ())
SCOPES: tuple[Any, ...] = (((0, 0), 0),)


def changed(node: tuple[Any, ...], place: int, to: object) -> tuple[Any, ...]:
    return (*node[:place], to, *node[place + 1 :])


def test_a_plan_that_is_sound_is_taken() -> None:
    assert core.compiled is not None
    assert core.compiled.plan(SCOPES, (ROOT, NODE))


@pytest.mark.parametrize(
    ("scopes", "nodes"),
    [
        ((), (ROOT, NODE)),
        (SCOPES * 5, (ROOT, NODE)),
        ((((0,) * 17, 0),), (ROOT, NODE)),
        ((((), 0),), (ROOT, NODE)),
        ((((0, 0), 1),), (ROOT, NODE)),
        ((((0, 0), -1),), (ROOT, NODE)),
        (SCOPES, ()),
        (SCOPES, (ROOT, *[NODE] * 64)),
        (SCOPES, (NODE,)),
        (SCOPES, (changed(ROOT, 0, 14), NODE)),
        (SCOPES, (ROOT, changed(NODE, 0, -1))),
        (SCOPES, (changed(ROOT, 3, 0), NODE)),  # its own child
        (SCOPES, (changed(ROOT, 4, 2), NODE)),
        (SCOPES, (changed(ROOT, 4, -1), NODE)),
        (SCOPES, (ROOT, changed(NODE, 5, 1))),
        (SCOPES, (ROOT, changed(NODE, 5, -1))),
        (SCOPES, (ROOT, changed(NODE, 6, 0))),  # what a row belongs to
        (SCOPES, (ROOT, changed(NODE, 6, 2))),
        (SCOPES, (ROOT, changed(NODE, 7, True))),  # a second cell
        (SCOPES, (ROOT, changed(NODE, 0, 7))),  # a UUID has two
        ((*SCOPES, ((0, 0), 0)), (ROOT, changed(NODE, 5, 1))),  # a scope without a row
        ((*SCOPES, ((0, 0), 0)), (ROOT, changed(changed(NODE, 0, 1), 5, 1))),  # without elements
        (SCOPES, (ROOT, changed(NODE, 12, ((b"a", 1),) * 9))),
    ],
)
def test_a_plan_that_could_do_harm_is_refused(scopes: Any, nodes: Any) -> None:  # noqa: ANN401
    assert core.compiled is not None
    with pytest.raises(ValueError, match="no sound shape"):
        core.compiled.plan(scopes, nodes)


def test_lengths_that_do_not_cut_the_block_are_refused() -> None:
    """Longer or shorter, or what is left of other messages; and what is no plan."""
    compiled = core.compiled
    assert compiled is not None
    plans = (compiled.plan(SCOPES, (ROOT, NODE)),)
    four = np.array([4], np.uint32).tobytes()
    assert compiled.scan(plans, b"....", four, None)[0] == b"\xff"
    assert compiled.scan(plans, b"", b"", None) == (b"", (), ((b"",),))
    for block, packed, left in (
        (b"...", four, None),
        (b".....", four, None),
        (b"....", four[:3], None),
        (b"....", four, b"\0\0"),
        (b"....", b"\xff\xff\xff\xff" * 2, None),
    ):
        with pytest.raises(ValueError, match="lengths"):
            compiled.scan(plans, block, packed, left)
    with pytest.raises(ValueError, match="lengths"):
        compiled.scan((), b"....", four, None)
    with pytest.raises((ValueError, TypeError)):
        compiled.scan((object(),), b"....", four, None)


# -- which core ------------------------------------------------------------------------------------


def test_the_core_can_be_switched_off() -> None:
    assert core.found({}) is not None
    assert core.found({"TICK_LOGGER_PURE": "0"}) is not None
    assert core.found({"TICK_LOGGER_PURE": "1"}) is None


def test_a_core_of_another_version_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor is one that has no version; an import that fails is no error."""
    monkeypatch.setattr(core, "VERSION", core.VERSION + 1)
    assert core.found({}) is None
    monkeypatch.setattr(core, "MODULE", "json")
    assert core.found({}) is None
    monkeypatch.setattr(core, "MODULE", "no_such_module")
    assert core.found({}) is None


def test_both_halves_are_of_one_version() -> None:
    source = (Path(core.__file__).parent / "_core.c").read_text()
    assert re.findall(r"#define CORE_VERSION (\d+)", source) == [str(core.VERSION)]
