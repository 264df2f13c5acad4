"""One fault under one recorder, at all chosen venues at once: from the first row to the figures."""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

import attrs
import numpy as np
import trio

from scripts.faults_rig.figures import Figures, Truth, compare
from scripts.faults_rig.oracle import newest_ns, read, rows_on_disk
from scripts.faults_rig.processes import Failed, Recorder, VenuesProcess, open_venues
from scripts.faults_rig.venues import symbol_of

START_PATIENCE_SECS = 60.0
LOOK_SECS = 0.1
QUIET_SECS = 3.0
"""Rows become visible within two flush intervals of a second each."""

QUIET_PATIENCE_SECS = 20.0  # for a machine that is behind
HEALING_LOOK_SECS = 1.0
HEALING_CALM_SECS = 4.0
"""Where nothing more was fetched for so long, healing is taken to be over."""

NAME = "venue.faults.test"
"""What venues are called where their address is asked for by name; `resolver` knows it."""


@attrs.frozen
class Setting:
    """What the recorder is told, and how long a case takes its time."""

    lines: int = 1
    backfill: bool = False
    seconds: float = 4.0  # of peace, before the fault and after
    rate: float = 1000.0  # trades a second, each venue
    data_timeout_secs: float = 5.0
    patience_secs: float = 45.0  # until data flows again at every venue
    healing_secs: float = 30.0  # at most, until all is fetched


@attrs.frozen(kw_only=True)
class World:
    """What a fault needs to be there from the start."""

    tls: bool = False
    named: bool = False  # venues are asked for by name
    lifetime_secs: float | None = None  # of a connection, where venues end it


@attrs.define
class Case:
    """A running case; faults act on it, and say when the world is well again."""

    setting: Setting
    folder: Path
    data: Path
    names: Sequence[str]
    venues: VenuesProcess
    recorder: Recorder
    over_ns: int = 0

    @property
    def one(self) -> bool:
        """Whether a fault of single connections hits one line of two."""
        return self.setting.lines > 1

    def well(self) -> None:
        """From now on nothing is broken any more."""
        self.over_ns = time.time_ns()

    async def flowing(self) -> None:
        """Return when trades of each venue are on disk, and each of its lines carries some."""
        await self._until(START_PATIENCE_SECS, lambda venue: self._rows(venue) > 0, "recorded")
        looked: dict[str, Any] = {}
        with trio.move_on_after(START_PATIENCE_SECS):
            while (
                not looked or min(each["carrying"] for each in looked.values()) < self.setting.lines
            ):
                await trio.sleep(LOOK_SECS)
                looked = await self.venues.do("look")
            return
        raise Failed(f"within {START_PATIENCE_SECS:g} s a line of some venue carried nothing")

    async def recovered(self) -> None:
        """Return when each venue's trades of the time after the fault are on disk."""
        since = self.over_ns
        with contextlib.suppress(Failed):  # then the figures show it
            await self._until(
                self.setting.patience_secs,
                lambda venue: newest_ns(self.data, venue, symbol_of(venue)) > since,
                "recorded again",
            )

    async def healed(self) -> None:
        """Return when nothing more is fetched."""
        with trio.move_on_after(self.setting.healing_secs):
            before, since = -1, trio.current_time()
            while trio.current_time() < since + HEALING_CALM_SECS:
                await trio.sleep(HEALING_LOOK_SECS)
                late = sum(path.stat().st_size for path in self.data.glob("*/*/late/TRADES/*.bin"))
                if late != before:
                    before, since = late, trio.current_time()

    async def end(self) -> None:
        """Let trading end, and stop the recorder in order when all has come."""
        await self.venues.do("quiet")
        with trio.move_on_after(QUIET_PATIENCE_SECS):
            before, since = -1, trio.current_time()
            while trio.current_time() < since + QUIET_SECS:
                await trio.sleep(LOOK_SECS)
                rows = sum(map(self._rows, self.names))
                if rows != before:
                    before, since = rows, trio.current_time()
        await self.recorder.stop()

    async def figures(self) -> dict[str, Figures]:
        """The row of each venue."""
        path = self.folder / "truth.npz"
        await self.venues.do("truth", path=str(path))
        found = {}
        with np.load(path) as columns:
            for venue in self.names:
                truth = Truth(columns[f"{venue} ids"], columns[f"{venue} told"])
                recorded = read(self.data, venue, symbol_of(venue))
                found[venue] = compare(truth, recorded, self.over_ns)
        return found

    def _rows(self, venue: str) -> int:
        return rows_on_disk(self.data, venue, symbol_of(venue))

    async def _until(self, secs: float, holds: Callable[[str], bool], what: str) -> None:
        with trio.move_on_after(secs):
            while not all(map(holds, self.names)):
                self.recorder.check_alive()
                await trio.sleep(LOOK_SECS)
            return
        missing = [name for name in self.names if not holds(name)]
        raise Failed(f"within {secs:g} s nothing was {what} of {', '.join(missing)}")


Act = Callable[[Case], Awaitable[None]]


@contextlib.asynccontextmanager
async def open_case(
    setting: Setting, world: World, names: Sequence[str], folder: Path, data: Path
) -> AsyncIterator[Case]:
    """A case whose recorder has been started; both processes end with the block."""
    asked = {
        "venues": list(names),
        "rate": setting.rate,
        "tls": world.tls,
        "lifetime_secs": world.lifetime_secs,
        "folder": str(folder),
    }
    async with open_venues(asked) as venues:
        configuration = folder / "faults.toml"
        configuration.write_text(configured(setting, world, venues))
        recorder = Recorder(configuration, data, folder / "log", folder / "resolver-is-off")
        await recorder.start()
        try:
            yield Case(setting, folder, data, names, venues, recorder)
        finally:
            await recorder.kill()


def configured(setting: Setting, world: World, venues: VenuesProcess) -> str:
    """The recorder's configuration, as TOML: its defaults, but for what is asked for."""
    secure = "s" if world.tls else ""
    host = NAME if world.named else "127.0.0.1"
    text = "[http]\nenabled = false\n"
    for name, port in venues.ports.items():
        text += f"""
[exchanges.{name}]
ws_endpoint = "ws{secure}://{host}:{port}"
rest_endpoint = "http{secure}://{host}:{venues.rest_ports[name]}"
symbols = {json.dumps([symbol_of(name)])}
feeds = ["trades"]
data_timeout_secs = {setting.data_timeout_secs}
"""
        if venues.authority:
            text += f"ca_file = {json.dumps(venues.authority)}\n"
        if "backfill" in settings_known():
            text += f"backfill = {'true' if setting.backfill else 'false'}\n"
        if setting.lines > 1:
            text += f"redundancy = {setting.lines}\n"
    return text


def settings_known() -> frozenset[str]:
    """The settings of an exchange that this version of the recorder has."""
    from tick_logger.config.schema import ExchangeConfig

    return frozenset(field.name for field in attrs.fields(ExchangeConfig))
