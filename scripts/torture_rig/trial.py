"""One data directory under torture: the lives of the recorder in it, and the verdict at the end."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from random import Random

import attrs
import trio

from scripts.torture_rig.errors import Failed
from scripts.torture_rig.ledger import Ledger, Life, ns
from scripts.torture_rig.oracle import Verdict, check
from scripts.torture_rig.recorder import Recorder, recording, verify
from scripts.torture_rig.venues import Venues

STOP_SLACK_SECS = 0.1
"""At a signal to stop, what was sent this shortly before may still be in a socket."""

CHECKPOINT_SECS = (1.0, 2.0, 30.0)
"""Drawn for each life: recoveries from old and from young checkpoints, and cuts during them."""

SHORTEST_SECS, LONGEST_SECS = 0.3, 6.0
"""Between the first row and a fault; short waits are the likelier ones."""

LAST_LIFE_SECS = 1.5
RESUME_PATIENCE_SECS = 20.0
LOOK_SECS = 0.1


@attrs.frozen
class Settings:
    """What was asked for."""

    persist_secs: float
    bound_secs: float
    deep: bool
    rounds: dict[str, int]  # by kind of fault


@attrs.define
class Rig:
    """What all trials share."""

    settings: Settings
    venues: Venues
    rng: Random

    def moment(self) -> float:
        """Seconds to wait for a fault."""
        spread = LONGEST_SECS / SHORTEST_SECS
        return float(SHORTEST_SECS * spread ** self.rng.random())


@attrs.define
class Trial:
    """A fault's directory; `folder` holds configuration and logs, `data` the recording."""

    rig: Rig
    name: str
    folder: Path
    data: Path
    lives: list[Life] = attrs.Factory(list)
    troubles: list[str] = attrs.Factory(list)
    figures: list[str] = attrs.Factory(list)  # what was measured, in words
    rounds: int = 0
    verdict: Verdict = attrs.Factory(Verdict)

    @property
    def ledger(self) -> Ledger:
        """What was sent."""
        return self.rig.venues.ledger

    @property
    def rng(self) -> Random:
        """The source of all random moments."""
        return self.rig.rng

    @contextlib.asynccontextmanager
    async def recording(
        self, tracer: Sequence[str] = (), checkpoint_secs: float | None = None
    ) -> AsyncIterator[Recorder]:
        """A recorder in this directory; killed at the end of the block if it still runs."""
        chosen = checkpoint_secs or self.rng.choice(CHECKPOINT_SECS)
        configuration = self.folder / "torture.toml"
        configuration.write_text(
            f"[logger]\npersist_interval_secs = {self.rig.settings.persist_secs}\n"
            f"checkpoint_interval_secs = {chosen}\n[http]\nenabled = false\n"
            + self.rig.venues.configuration()
        )
        async with recording(
            configuration, self.data, self.ledger, log=self.folder / "log", tracer=tracer
        ) as recorder:
            yield recorder

    def crashed(self, recorder: Recorder, end_ns: int, bound_secs: float | None = None) -> None:
        """Its life was cut: what was sent the bound earlier must be on disk."""
        bound_ns = ns(self.rig.settings.bound_secs if bound_secs is None else bound_secs)
        self.lives.append(Life(recorder.start_ns, end_ns, bound_ns))

    def stopped(self, recorder: Recorder, end_ns: int, *, gaps_excuse: bool = False) -> None:
        """It was told to stop, and did in order: everything must be on disk."""
        slack_ns = ns(STOP_SLACK_SECS)
        self.lives.append(Life(recorder.start_ns, end_ns, slack_ns, gaps_excuse))

    async def resumed(self, recorder: Recorder) -> None:
        """Return when rows reach the columns; raises `Failed` if they do not for long."""
        before = self._trade_bytes()
        with trio.move_on_after(RESUME_PATIENCE_SECS):
            while self._trade_bytes() <= before:
                recorder.check_alive()
                await trio.sleep(LOOK_SECS)
            return
        raise Failed(f"no trade was written for {RESUME_PATIENCE_SECS:g} s after the trouble")

    async def conclude(self) -> None:
        """A last life in peace, an orderly stop, and the recorder's own check."""
        self.say("the last life, a clean stop, verify")
        async with self.recording() as recorder:
            await recorder.flowing()
            await trio.sleep(LAST_LIFE_SECS)
            self.stopped(recorder, await recorder.terminate())
        complaint = await verify(self.data, deep=self.rig.settings.deep)
        if complaint:
            self.troubles.append(complaint)

    def judge(self) -> None:
        """Compare what was sent with what is on disk."""
        if self.lives:
            self.verdict = check(self.ledger, self.lives, self.data, time.time_ns())

    def say(self, what: str) -> None:
        """Progress, on standard error."""
        sys.stderr.write(f"{self.name}: {what}; {self.ledger.noted:,} rows sent\n")
        sys.stderr.flush()

    def _trade_bytes(self) -> int:
        paths = self.data.glob("*/*/TRADES/trade_time.*.bin")
        return sum(path.stat().st_size for path in paths)
