"""Certificates of a recording in memory, and whether every figure is found again by hand."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
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
        for hole in each["holes"]:
            assert {key: hole[key] for key in HOLE_KEYS} in holes
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


def newest(found: Mapping[str, Any]) -> dict[str, str]:
    """By exchange and day, the path of the certificate that counts."""
    paths: dict[str, str] = {}
    for path in sorted(found, key=lambda path: int(path.split(".")[-2])):
        paths[path.rsplit(".", 2)[0]] = path
    return paths
