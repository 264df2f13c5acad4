"""Applies the mutations one by one, runs instruments on each until one notices, and prints which.

Each mutation is put into a copy of the checkout of its own, so the checkout itself is not touched
and may be worked on meanwhile.  Before an instrument is first used, it runs on a copy without any
mutation: one that fails there could tell nothing.

Exit codes: 0 all mutations were noticed by some instrument, or are documented as undetectable ·
1 others went unnoticed, or interrupted · 2 wrong arguments, a mutation that does not fit the code,
or an instrument that fails without any or cannot run.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import attrs
import trio

from scripts.mutation.instruments import (
    INSTRUMENTS,
    ROOT,
    Instrument,
    Limits,
    Result,
    UnsoundError,
    Verdict,
    run,
    snapshot,
)
from scripts.mutation.mutations import MisfitError, Mutation, check, load

EXIT_NOTICED, EXIT_UNNOTICED, EXIT_UNUSABLE = 0, 1, 2
NOTICES = (Verdict.NOTICED, Verdict.HANGS)


@attrs.define
class Trial:
    """A mutation, and how the instruments ended on it, by name."""

    mutation: Mutation
    results: dict[str, Result] = attrs.Factory(dict)

    def verdict(self, instrument: Instrument) -> Verdict:
        """What an instrument has shown; it is left out once another one has noticed."""
        result = self.results.get(instrument.name)
        return Verdict.LEFT_OUT if result is None else result.verdict

    @property
    def noticed(self) -> bool:
        """Whether any instrument failed."""
        return any(result.noticed for result in self.results.values())

    @property
    def assertion(self) -> str:
        """The place of an assertion of the program by which it was noticed; empty if by none."""
        return next((each.assertion for each in self.results.values() if each.assertion), "")

    @property
    def broken(self) -> bool:
        """Whether an instrument could not even run."""
        return any(each.verdict is Verdict.BROKEN for each in self.results.values())

    @property
    def amiss(self) -> bool:
        """Whether it went unnoticed, and should not have."""
        return not self.noticed and not self.mutation.undetectable


# -- running ---------------------------------------------------------------------------------------


async def _all(
    mutations: Sequence[Mutation],
    instruments: Sequence[Instrument],
    jobs: int,
    folder: Path,
    *,
    every: bool,
) -> list[Trial]:
    """The instruments on every mutation, `jobs` runs at a time.

    Raises `MisfitError` before any mutation is tried.
    """
    sound = snapshot(ROOT, folder / "sound")
    check(mutations, sound)
    limits, limiter = Limits(sound), trio.CapacityLimiter(jobs)
    trials = [Trial(mutation) for mutation in mutations]

    async def each(trial: Trial, copy: Path) -> None:
        async with limiter:
            snapshot(sound, copy)
            trial.mutation.apply(copy)
            for instrument in instruments:
                if every or not trial.noticed:
                    await _one(trial, instrument, limits, copy)
            shutil.rmtree(copy)

    async with trio.open_nursery() as nursery:
        for number, trial in enumerate(trials):
            nursery.start_soon(each, trial, folder / str(number))
    return trials


async def _one(trial: Trial, instrument: Instrument, limits: Limits, copy: Path) -> None:
    mutation = trial.mutation
    try:
        result = await run(instrument, mutation, copy, await limits.of(instrument, mutation))
    except UnsoundError as error:
        result = Result(Verdict.BROKEN, 0, str(error))
    trial.results[instrument.name] = result
    if result.verdict is Verdict.LEFT_OUT:
        return
    by = f", by {result.assertion}" if result.assertion else ""
    said = f"{result.verdict} {result.said}".rstrip() + by
    _say(f"{trial.mutation.name}: {instrument.name}, {result.secs:.0f} s: {said}")


# -- telling ---------------------------------------------------------------------------------------


def table(trials: Sequence[Trial], instruments: Sequence[Instrument]) -> str:
    """Who noticed what, for people; then what nobody noticed, and why, if that is known."""
    lines = [
        "| mutation | what it breaks | "
        + " | ".join(each.title for each in instruments)
        + " | assertion of the program |",
        "|---" * (len(instruments) + 3) + "|",
    ]
    for trial in trials:
        cells = [trial.mutation.name, trial.mutation.breaks]
        cells += [trial.verdict(each) for each in instruments]
        lines.append("| " + " | ".join([*cells, trial.assertion]) + " |")
    counts = [
        f"{sum(trial.verdict(each) in NOTICES for trial in trials)} by {each.title}"
        for each in instruments
    ]
    counts.append(f"{sum(bool(trial.assertion) for trial in trials)} by the program itself")
    lines += ["", f"Of {len(trials)} mutations are noticed: {', '.join(counts)}."]
    for trial in trials:
        why = trial.mutation.undetectable
        if not trial.noticed:
            lines.append(f"{trial.mutation.name}: UNNOTICED{', as expected: ' if why else ''}{why}")
        elif why:
            lines.append(f"{trial.mutation.name}: noticed, though documented as undetectable")
    return "\n".join(lines)


def _say(text: str) -> None:
    sys.stderr.write(text + "\n")
    sys.stderr.flush()


def _options() -> argparse.Namespace:
    names = [each.name for each in INSTRUMENTS]
    parser = argparse.ArgumentParser(prog="scripts/mutations", description=__doc__)
    parser.add_argument(
        "--instruments", nargs="+", choices=names, default=names, help="all, if not given"
    )
    parser.add_argument(
        "--only", default="", help="mutations with one of these words, comma between"
    )
    parser.add_argument(
        "--every", action="store_true", help="run all instruments, whoever has noticed already"
    )
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="at a time")
    return parser.parse_args()


def _chosen(words: str) -> list[Mutation]:
    wanted = [word.strip() for word in words.split(",") if word.strip()]
    found = [each for each in load() if not wanted or any(word in each.name for word in wanted)]
    if not found:
        raise MisfitError(f"no mutation is named like {words}")
    return found


def main() -> int:
    """Mutate, tell, and return the exit code."""
    options = _options()
    instruments = [each for each in INSTRUMENTS if each.name in options.instruments]
    trials: list[Trial] = []
    try:
        mutations = _chosen(options.only)
        with tempfile.TemporaryDirectory(prefix="mutations-") as folder:
            tried = partial(_all, mutations, instruments, options.jobs, Path(folder))
            trials = trio.run(partial(tried, every=options.every))
    except MisfitError as error:
        _say(str(error))
        return EXIT_UNUSABLE
    sys.stdout.write(table(trials, instruments) + "\n")
    if any(trial.broken for trial in trials):
        return EXIT_UNUSABLE
    return EXIT_UNNOTICED if any(trial.amiss for trial in trials) else EXIT_NOTICED


if __name__ == "__main__":
    sys.exit(main())
