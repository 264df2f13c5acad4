"""What is measured of reading: steps, each beside the plain way or a goal, and the table of them.

Each round takes every way once, and the first round is not counted.  CPU time is given beside wall
time, because other work on the machine does not show in it.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import attrs
import numpy as np

Result = dict[str, Any]


@attrs.frozen
class Step:
    """Something that a user wants, our way to it, and the plain one, where there is one."""

    name: str
    ours: Callable[[], object]
    plain: Callable[[], object] | None = None
    goal_ms: float | None = None
    times: int = 1
    """How often one call does it; the figures are of one."""
    rows: int = 0
    """That one call reads, where rows a second are what is asked for."""
    most_rounds: int | None = None
    """Of steps that take many seconds."""


def measured(step: Step, rounds: int) -> Result:
    """The least and the median of some rounds, ours and the plain way in turn, in ms."""
    ways = {"ours": step.ours} | ({} if step.plain is None else {"plain": step.plain})
    taken: dict[str, list[tuple[float, float]]] = {name: [] for name in ways}
    for _ in range(min(rounds, step.most_rounds or rounds) + 1):
        for name, way in ways.items():
            began, used = time.perf_counter(), time.process_time()
            kept = way()
            taken[name].append((time.perf_counter() - began, time.process_time() - used))
            del kept
    result: Result = {"step": step.name}
    for name, pairs in taken.items():
        walls, cpus = (np.array(each) * 1e3 / step.times for each in zip(*pairs[1:], strict=True))
        result |= {
            f"{name}_least": round(float(walls.min()), 2),
            f"{name}_median": round(float(np.median(walls)), 2),
            f"{name}_cpu": round(float(cpus.min()), 2),
        }
        if name == "ours" and step.rows:
            result["million_rows_per_sec"] = round(step.rows / float(walls.min()) / 1e3, 2)
    if step.goal_ms is not None:
        result["goal"] = round(step.goal_ms, 2)
    return result


def table(results: list[Result]) -> str:
    """For people; ms."""
    heads = ["least", "median", "CPU", "plain", "median", "CPU", "goal", "million rows/s"]
    keys = [f"{way}_{what}" for way in ("ours", "plain") for what in ("least", "median", "cpu")]
    keys += ["goal", "million_rows_per_sec"]
    lines = ["| ms | " + " | ".join(heads) + " |", "|---" * (len(heads) + 1) + "|"]
    for result in results:
        cells = [f"{result[key]:,.2f}" if key in result else "" for key in keys]
        lines.append(f"| {result['step']} | " + " | ".join(cells) + " |")
    return "\n".join(lines)
