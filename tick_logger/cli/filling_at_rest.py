"""A recorder that receives nothing, and asks for trades that are missing: then it is over.

Everything but connections and listings is as while it records: the directory's lock, the recovery
at the start, journal, column files, checkpoint, and the back-fillers themselves.

Invariant: no stream goes on or is interrupted by it, and nothing of the journal goes: who records
there knows how much of it is kept, and whether an archive is to have it first.

Not here: what is printed (`backfilling`).
"""

from __future__ import annotations

from collections.abc import Mapping

import attrs
import trio

from tick_logger.app import Ports, Service
from tick_logger.archiving import is_released
from tick_logger.config.schema import Config
from tick_logger.model.entries import Defined
from tick_logger.model.tables import Table
from tick_logger.recording.recording import Recording

DEFINED_SECS = 1.0
"""By then it is decoded which symbols are recorded: what is decoded waits for no longer."""


@attrs.frozen
class Filled:
    """What has become of the holes of one exchange."""

    holes: int
    healed: int
    void: int
    left: int  # given up, for reasons that the log tells
    waiting: int  # answers that did not have all of it count an hour later
    trades: int
    requests: int


class FillingAtRest(Service):
    """One run; `filled` is what it has done, by exchange."""

    def __init__(self, config: Config, ports: Ports, days: int) -> None:
        unkept = attrs.evolve(config, archive=attrs.evolve(config.archive, mode="off"))
        super().__init__(unkept, ports)
        self._is_released = is_released(config.logger.data_path, config.archive, ports.files)
        self._days = days
        self.filled: Mapping[str, Filled] = {}

    async def _open_recording(self) -> Recording:
        recording = await super()._open_recording()
        recording.keep_unless(_nothing_may_go)
        return recording

    async def _run_venues(self, stop_after_secs: float | None) -> None:
        filling = self._venues.filling
        now_ns = self._resources.clock.now_ns()
        holes = await filling.old(now_ns, dict.fromkeys(self.exchange_names, self._days))
        found: dict[str, int] = dict.fromkeys(self.exchange_names, 0)
        intakes = dict(zip(self.exchange_names, self._venues.intakes, strict=True))
        for number in dict.fromkeys(hole.instrument for hole in holes):
            exchange, symbol = self._resources.instruments.name(number)
            intakes[exchange].want(Defined(number, symbol, (Table.TRADES,)))
        for hole in holes:
            found[self._resources.instruments.name(hole.instrument)[0]] += 1
        await trio.sleep(DEFINED_SECS)
        for filler in filling.fillers.values():
            filler.switch(on=True)  # whatever is configured for recording: this was asked for
        filling.heard(holes, ())
        async with trio.open_nursery() as nursery:
            for filler in filling.fillers.values():
                nursery.start_soon(filler.run)
            for filler in filling.fillers.values():
                await filler.settled()
            nursery.cancel_scope.cancel("nothing is to be asked any more")
        self.filled = {name: self._of(name, count) for name, count in found.items() if count}

    def _of(self, name: str, holes: int) -> Filled:
        filler = self._venues.filling.fillers[name]
        return Filled(
            holes=holes,
            healed=filler.ended["rest"],
            void=filler.ended["void"],
            left=filler.ended["left"],
            waiting=filler.waiting,
            trades=int(self.metrics.read("collector_backfill_trades_total", name)),
            requests=int(self.metrics.read("collector_backfill_requests_total", name)),
        )


def _nothing_may_go(oldest_seq: int) -> int:
    """The first frame that has to stay: the oldest."""
    return oldest_seq


async def fill(config: Config, ports: Ports, days: int) -> tuple[Mapping[str, Filled], int]:
    """What was filled, and the exit code of the run; raises as `Service.run`."""
    service = FillingAtRest(config, ports, days)

    async def show() -> None:
        await trio.lowlevel.checkpoint()

    try:
        await service.run(show, None)
    finally:
        service.close()
    return service.filled, service.exit_code
