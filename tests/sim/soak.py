"""Tells many stories on all processors, until as much time was simulated as was asked for.

Prints what was injected, how much was checked, and for each violation the command that tells its
story again.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import sys
import threading
import time
import traceback
from collections import Counter
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait

import attrs

from tests.sim.oracle import judge
from tests.sim.plan import draw
from tests.sim.scale import LONG, SHORT
from tests.sim.world import tell

PROGRESS_SECS = 10.0
ORPHAN_CHECK_SECS = 1.0
WAITING_PER_JOB = 2
"""Stories begun or about to begin, so that no processor waits and the end comes soon."""

MOST_SHOWN = 20
MOST_LINES = 40
"""Of the log, shown for a single story."""


@attrs.frozen
class Told:
    """What became of one story."""

    seed: int
    hours: float
    counts: Counter[str]
    checked: Counter[str]
    violations: tuple[str, ...]
    lines: tuple[str, ...]


def story(seed: int, short: bool) -> Told:
    """Tell and judge the story of a seed."""
    try:
        world = tell(draw(seed, SHORT if short else LONG))
        verdict = judge(world)
    except Exception:  # noqa: BLE001 - a story that cannot be told is a violation as well
        broken = (traceback.format_exc(),)
        return Told(seed, 0.0, Counter(), Counter(), broken, ())
    return Told(
        seed,
        (world.ended - world.began) / 3600,
        world.counts,
        verdict.counts,
        tuple(verdict.violations),
        tuple(map(str, world.lines[-MOST_LINES:])),
    )


@attrs.define
class Sum:
    """Of all stories."""

    began: float = attrs.field(factory=time.monotonic)
    stories: int = 0
    hours: float = 0.0
    counts: Counter[str] = attrs.field(factory=Counter)
    checked: Counter[str] = attrs.field(factory=Counter)
    bad: list[Told] = attrs.field(factory=list)

    def add(self, told: Told) -> None:
        """Count one more."""
        self.stories += 1
        self.hours += told.hours
        self.counts += told.counts
        self.checked += told.checked
        if told.violations:
            self.bad.append(told)

    def line(self) -> str:
        """How far it is."""
        spent_hours = (time.monotonic() - self.began) / 3600
        return (
            f"{self.stories:,} stories, {self.hours:,.1f} simulated hours "
            f"({self.hours / spent_hours:,.0f} per hour), "
            f"{self.checked['rows']:,} rows checked, {len(self.bad)} stories with violations"
        )


def main() -> int:
    """The exit code: 1 if any promise was broken."""
    options = _options()
    total = Sum()
    shown = total.began
    last = options.seed + options.stories if options.stories else sys.maxsize
    seeds = iter(range(options.seed, last))
    fork = multiprocessing.get_context("fork")
    with ProcessPoolExecutor(options.jobs, fork, _end_with, (os.getpid(),)) as pool:
        running: set[Future[Told]] = set()
        while True:
            while len(running) < WAITING_PER_JOB * options.jobs and total.hours < options.hours:
                seed = next(seeds, None)
                if seed is None:
                    break
                running.add(pool.submit(story, seed, options.short))
            if not running:
                break
            done, running = wait(running, return_when=FIRST_COMPLETED)
            for future in done:
                total.add(told := future.result())
                if told.violations:
                    _show(told, options)
            if time.monotonic() > shown + PROGRESS_SECS:
                shown = time.monotonic()
                print(total.line(), flush=True)  # noqa: T201 - a command
    _report(total, options)
    return 1 if total.bad else 0


def _end_with(parent: int) -> None:
    """Let this process end when the one that gives it work is gone, however that ended."""

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(ORPHAN_CHECK_SECS)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def _show(told: Told, options: argparse.Namespace) -> None:
    length = " --short" if options.short else ""
    print(f"\nscripts/soak{length} --seed {told.seed} --stories 1")  # noqa: T201 - a command
    lines = told.lines if options.stories == 1 else ()
    for line in (*told.violations[:MOST_SHOWN], *lines):
        print(f"    {line}", flush=True)  # noqa: T201 - a command


def _report(total: Sum, options: argparse.Namespace) -> None:
    print(f"\n{total.line()}; seeds from {options.seed}")  # noqa: T201 - a command
    for title, counts in (("What happened:", total.counts), ("What was found:", total.checked)):
        print(title)  # noqa: T201 - a command
        for kind, count in sorted(counts.items()):
            print(f"    {kind:<28} {count:>12,}")  # noqa: T201 - a command
    if total.bad:
        print(f"Violations in {len(total.bad)} stories, see above.")  # noqa: T201 - a command


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="scripts/soak", description=__doc__)
    parser.add_argument("--hours", type=float, default=float("inf"), help="simulated hours")
    parser.add_argument("--stories", type=int, default=0, help="so many stories, whatever --hours")
    parser.add_argument("--seed", type=int, default=0, help="of the first story (0)")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="processes (all cores)")
    parser.add_argument("--short", action="store_true", help="short stories, as the tests have")
    options = parser.parse_args()
    if options.hours == float("inf") and not options.stories:
        parser.error("say --hours or --stories")
    return options


if __name__ == "__main__":
    sys.exit(main())
