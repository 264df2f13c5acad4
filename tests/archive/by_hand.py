"""What a certificate must say, worked out from the files alone: numpy, json, hashlib, cryptography.

It shares no code with the program, and knows the files as their page describes them.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key

DAY_NS = 86_400 * 10**9
TIMES = {"TRADES": ("trade_time", "trade_nanos", "trade_id")}
OTHERS = ("time", "nanos", "update_id")
ORIGINS = {"late": 1, "back_filled": 2, "aside": 3}

Files = Mapping[str, bytes]


def day_text(day: str) -> str:
    """2026-11-29 as file names have it."""
    year, month, number = day.split("-")
    return f"{number}.{month}.{year[2:]}"


def day_ns(day: str) -> int:
    """When it begins."""
    return int(np.datetime64(day, "ns").astype(np.int64))


def opened(data: bytes, public: bytes | None = None) -> dict[str, Any]:
    """The statement in an envelope; with a key (PEM) its signature must be right."""
    envelope = json.loads(data)
    payload = base64.b64decode(envelope["payload"])
    if public is not None:
        key = load_pem_public_key(public)
        assert isinstance(key, Ed25519PublicKey)
        name = envelope["payloadType"].encode()
        signed = b"DSSEv1 %d %s %d %s" % (len(name), name, len(payload), payload)
        (signature,) = envelope["signatures"]
        key.verify(base64.b64decode(signature["sig"]), signed)
    found = json.loads(payload)
    assert isinstance(found, dict)
    return found


def column(files: Files, folder: str, name: str, day: str, dtype: str) -> Any:  # noqa: ANN401
    """One column of a day, empty where there is no file."""
    return np.frombuffer(files.get(f"{folder}/{name}.{day_text(day)}.bin", b""), dtype)


def days(files: Files, folder: str, name: str) -> list[str]:
    """The days that have a file of this column with anything in it."""
    texts = [
        path.rsplit("/", 1)[1].split(".")[1:4]
        for path, data in files.items()
        if path.startswith(f"{folder}/{name}.") and data
    ]
    return sorted(f"20{year}-{month}-{number}" for number, month, year in texts)


def hashes(files: Files, exchange: str, symbol: str, table: str, day: str) -> str:
    """The SHA-256 over the lines that `sha256sum` would write, sorted by path."""
    begin = (f"{exchange}/{symbol}/{table}/", f"{exchange}/{symbol}/late/{table}/")
    lines = [
        f"{hashlib.sha256(data).hexdigest()}  {path}\n"
        for path, data in sorted(files.items())
        if path.startswith(begin) and path.endswith(f".{day_text(day)}.bin") and data
    ]
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def gap_lines(files: Files, exchange: str, symbol: str, table: str) -> list[dict[str, Any]]:
    """What the gaps files say of a stream, line by line."""
    lines = [
        json.loads(line)
        for path, data in sorted(files.items())
        if path.startswith(f"{exchange}/{symbol}/") and "/gaps." in path
        for line in data.splitlines()
    ]
    return [each for each in lines if each["table"] == table]


def standing(files: Files, exchange: str, symbol: str, table: str) -> Iterator[dict[str, Any]]:
    """The holes that neither a later line closes nor one heals as a whole."""
    mine = gap_lines(files, exchange, symbol, table)
    about = ("renumbered", "stray")
    for number, each in enumerate(mine):
        key = (each["cause"], each["from_ns"])
        later = [x for x in mine[number + 1 :] if (x["cause"], x["from_ns"]) == key]
        if each["healed"] or each["cause"] in about or (each["to_ns"] is None and later):
            continue
        ids = (each["from_ns"], each["from_id"], each["to_id"])
        if not any(x["healed"] and (x["from_ns"], x["from_id"], x["to_id"]) == ids for x in mine):
            yield each


def stream(files: Files, exchange: str, symbol: str, table: str, day: str) -> dict[str, Any]:
    """Rows, ids, times and digest of one stream, under the names of the certificate."""
    seconds, nanos, number = TIMES.get(table, OTHERS)
    main, late = f"{exchange}/{symbol}/{table}", f"{exchange}/{symbol}/late/{table}"
    in_order = len(column(files, main, seconds, day, "<u4"))
    origins = column(files, late, "origin", day, "u1")
    if not len(origins):  # of a version that had no such column, and no other rows
        origins = np.ones(len(column(files, late, seconds, day, "<u4")), np.uint8)
    counts = {word: int((origins == code).sum()) for word, code in ORIGINS.items()}
    times = [
        column(files, folder, seconds, day, "<u4").astype(np.int64) * 10**9
        + column(files, folder, nanos, day, "<u4")
        for folder in (main, late)
    ]
    times[1] = times[1][origins != 3]
    all_times = np.concatenate(times)
    found: dict[str, Any] = {
        "rows": {"total": in_order + counts["late"] + counts["back_filled"], "in_order": in_order}
        | counts,
        "first_event_ns": int(all_times.min()) if len(all_times) else None,
        "last_event_ns": int(all_times.max()) if len(all_times) else None,
        "digest": hashes(files, exchange, symbol, table, day),
        "ids": None,
    }
    if table == "TRADES" and len(all_times):
        ids = [
            column(files, main, number, day, "<u8"),
            column(files, late, number, day, "<u8")[origins != 3],
        ]
        found["ids"] = _ids(files, main, number, day, np.unique(np.concatenate(ids)))
    return found


def _ids(files: Files, main: str, number: str, day: str, ids: Any) -> dict[str, Any]:  # noqa: ANN401
    breaks = np.flatnonzero(np.diff(ids) != 1)
    firsts, lasts = ids[np.r_[0, breaks + 1]], ids[np.r_[breaks, len(ids) - 1]]
    there = days(files, main, number)
    before = [each for each in there if each < day]
    after = [each for each in there if each > day]
    return {
        "ranges": [[int(a), int(b)] for a, b in zip(firsts, lasts, strict=True)],
        "count_of_ranges": len(firsts),
        "neighbours": {
            "before": int(column(files, main, number, before[-1], "<u8")[-1]) if before else None,
            "after": int(column(files, main, number, after[0], "<u8")[0]) if after else None,
        },
    }


def covered(said: Mapping[str, Any], day: str, *, begun: bool, goes_on: bool) -> list[list[int]]:
    """The spans of a day outside the holes of a stream of the certificate."""
    begin = day_ns(day) if begun else said["times"]["first_event_ns"]
    end = day_ns(day) + DAY_NS if goes_on else said["times"]["last_event_ns"]
    edges = sorted((h["from_ns"], end if h["to_ns"] is None else h["to_ns"]) for h in said["holes"])
    spans = []
    for since, until in [*edges, (end, end)]:
        if min(since, end) > begin:
            spans.append([begin, min(since, end)])
        begin = max(begin, until)
    return spans
