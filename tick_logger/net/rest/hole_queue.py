"""The holes that wait to be asked about, the newest first among those that are due.

Invariant: there are never more than `MAX_WAITING`; a hole waits once.  Not here: what is asked.
"""

from __future__ import annotations

from collections.abc import Collection

import trio

from tick_logger.net.rest.holes import Hole, Task

MAX_WAITING = 1_000
"""Of one venue, half a megabyte: after an outage each of some hundred symbols has one or two."""


class HoleQueue:
    """Tasks by hole."""

    def __init__(self) -> None:
        self._tasks: dict[Hole, Task] = {}
        self._changed = trio.Event()

    def __len__(self) -> int:
        return len(self._tasks)

    def __contains__(self, hole: Hole) -> bool:
        return hole in self._tasks

    @property
    def tasks(self) -> Collection[Task]:
        """All of them."""
        return self._tasks.values()

    def add(self, task: Task) -> Task | None:
        """Let it wait; returns the oldest one instead, if there are too many."""
        self._tasks[task.hole] = task
        self._changed.set()
        if len(self._tasks) <= MAX_WAITING:
            return None
        oldest = min(self._tasks.values(), key=lambda each: each.hole.from_ns)
        return self._tasks.pop(oldest.hole)

    def remove(self, task: Task) -> None:
        """It need not wait any more."""
        self._tasks.pop(task.hole, None)

    def clear(self) -> list[Task]:
        """Let nothing wait; returns what did."""
        tasks, self._tasks = list(self._tasks.values()), {}
        return tasks

    async def take(self) -> Task:
        """The newest one that is due, as soon as one is; it waits no longer."""
        while True:
            now = trio.current_time()
            due = [each for each in self._tasks.values() if each.due <= now]
            if due:
                newest = max(due, key=lambda each: (each.hole.from_ns, each.hole.symbol))
                return self._tasks.pop(newest.hole)
            self._changed = trio.Event()
            next_due = min((each.due for each in self._tasks.values()), default=float("inf"))
            with trio.move_on_at(next_due):
                await self._changed.wait()
