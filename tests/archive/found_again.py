"""Certificates of a recording in memory, and whether every figure is found again by hand."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

from tests.archive import by_hand
from tests.fakes.memory_files import MemoryFiles

HOLE_KEYS = ("from_id", "to_id", "from_ns", "to_ns", "cause")


def bytes_of(files: MemoryFiles) -> dict[str, bytes]:
    """Every file but those of the journal."""
    paths = files.list("", recursive=True)
    return {path: bytes(files.read(path)) for path in paths if not path.startswith("journal/")}


def certificates(files: Mapping[str, bytes], public: bytes | None = None) -> dict[str, Any]:
    """The statements by path."""
    return {
        path: by_hand.opened(data, public)
        for path, data in files.items()
        if "/certificate." in path
    }


def assert_found_again(files: Mapping[str, bytes], path: str, said: Mapping[str, Any]) -> None:
    """The newest certificate of a day against the files as they are."""
    exchange, day = path.split("/")[0], said["predicate"]["day"]
    streams = said["predicate"]["streams"]
    assert streams
    for each in streams:
        symbol = each["symbol"].replace("/", "%2F")
        hand = by_hand.stream(files, exchange, symbol, each["table"], day)
        for name in ("rows", "ids", "digest"):
            assert each[name] == hand[name], f"{path}: {each['symbol']} {each['table']} {name}"
        for name in ("first_event_ns", "last_event_ns"):
            assert each["times"][name] == hand[name]
        holes = [
            {key: x[key] for key in HOLE_KEYS}
            for x in by_hand.standing(files, exchange, symbol, each["table"])
        ]
        named = [{key: hole[key] for key in HOLE_KEYS} for hole in each["holes"]]
        assert [hole for hole in named if hole not in holes] == []
        then = as_certified(files, exchange, symbol, day, said["predicate"]["gaps"])
        standing = by_hand.standing(then, exchange, symbol, each["table"])
        inside = [{key: x[key] for key in HOLE_KEYS} for x in standing if lies_within(x, day)]
        lines = by_hand.gap_lines(files, exchange, symbol, each["table"])
        left_out = [hole for hole in inside if is_left_out(hole, named, lines, each["ids"])]
        assert not left_out, (path, each["symbol"], each["table"], left_out, named)
        seconds = by_hand.TIMES.get(each["table"], by_hand.OTHERS)[0]
        there = by_hand.days(files, f"{exchange}/{symbol}/{each['table']}", seconds)
        spans = by_hand.covered(each, day, begun=there[0] < day, goes_on=there[-1] > day)
        assert each["times"]["covered"] == spans
        assert each["times"]["covered_secs"] == sum(b - a for a, b in spans) / 1e9
        names = {x["name"]: x["digest"]["sha256"] for x in said["subject"]}
        assert names[f"{exchange}/{symbol}/{each['table']}/{day}"] == each["digest"]
    for each in said["predicate"]["gaps"]:
        symbol, name = each["symbol"].replace("/", "%2F"), f"gaps.{by_hand.day_text(day)}.jsonl"
        for prefix, where in (("", ""), ("late_", "late/")):
            data = files.get(f"{exchange}/{symbol}/{where}{name}", b"")
            size = each[f"{prefix}size"]
            assert size <= len(data)  # what came since is at the end
            data = data[:size]
            assert each[f"{prefix}sha256"] == hashlib.sha256(data).hexdigest()


def lies_within(hole: Mapping[str, Any], day: str) -> bool:
    """Whether a hole is of this day alone, whatever else it touches; times are of receipt."""
    begin = by_hand.day_ns(day)
    ends = [hole[name] for name in ("from_ns", "to_ns") if hole[name] is not None]
    return all(begin <= at_ns < begin + by_hand.DAY_NS for at_ns in ends)


def as_certified(
    files: Mapping[str, bytes],
    exchange: str,
    symbol: str,
    day: str,
    gaps: Sequence[Mapping[str, Any]],
) -> dict[str, bytes]:
    """The day's gaps files of a symbol as they were then; what came since is at the end."""
    sizes = [each for each in gaps if each["symbol"].replace("/", "%2F") == symbol]
    found, name = {}, f"gaps.{by_hand.day_text(day)}.jsonl"
    for word, where in (("size", ""), ("late_size", "late/")):
        path = f"{exchange}/{symbol}/{where}{name}"
        found[path] = files.get(path, b"")[: sizes[0][word] if sizes else 0]
    return found


def is_left_out(
    hole: Mapping[str, Any],
    named: Sequence[Mapping[str, Any]],
    lines: Sequence[Mapping[str, Any]],
    ids: Mapping[str, Any] | None,
) -> bool:
    """Whether an id of it, that no line heals and no row has, is in no hole that is named."""
    if hole["from_id"] is None or hole["to_id"] is None:
        return hole not in named
    same = [each for each in lines if each["healed"] and each["from_ns"] == hole["from_ns"]]
    told = [(x["from_id"], x["to_id"]) for x in (*same, *named) if x["from_id"] is not None]
    told += [] if ids is None else ids["ranges"]
    following = hole["from_id"]  # the first id that is not told of
    for first, last in sorted(map(tuple, told)):
        if first <= following:
            following = max(following, last + 1)
    return bool(following <= hole["to_id"])


def newest(found: Mapping[str, Any]) -> dict[str, str]:
    """By exchange and day, the path of the certificate that counts."""
    paths: dict[str, str] = {}
    for path in sorted(found, key=lambda path: int(path.split(".")[-2])):
        paths[path.rsplit(".", 2)[0]] = path
    return paths
