"""What is the same for all processes of a story, and is no port of theirs.

Log lines are counted, the adapters can be poisoned, segments are as small as the story says,
symbols are moved as often as it says, and the environment has the user's key or none.
"""

from __future__ import annotations

import traceback
from collections import Counter
from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager
from functools import cache, partial
from random import Random
from typing import Any, Never, Protocol

import pytest
import structlog
import trio
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from tests.sim.moving import by_chance
from tests.sim.plan import Story
from tests.sim.poison import Poison, poisoned_registry
from tests.sim.process import Process
from tick_logger import app
from tick_logger.config.symbols import load_symbol_rules
from tick_logger.exchanges import registry
from tick_logger.journal.journal import Journal
from tick_logger.net.venue import moves, venue
from tick_logger.recording import opening
from tick_logger.simulator.exchange import SimulatedExchange

KEPT_LINES = 300
"""The newest log lines, for whoever looks into a violation."""

SYMBOL_RULES = cache(load_symbol_rules)
"""Read once for all processes: their file is the same, and reading it took a tenth of the time."""

KEY_VARIABLES = ("COINBASE_API_KEY", "COINBASE_API_SECRET", "COINBASE_API_SECRET_FILE")


class Stage(Protocol):
    """Who takes the log lines."""

    story: Story
    poison: Poison
    exchanges: dict[str, SimulatedExchange]
    processes: list[Process]
    events: Counter[str]
    lines: list[dict[str, Any]]
    violations: list[str]
    began: float

    def note_overflow(self, line: MutableMapping[str, Any]) -> None:
        """Take note of a line that may say what was given up."""
        ...


@cache
def private_key() -> str:
    """The same for all stories."""
    key = ec.derive_private_key(1, ec.SECP256R1())
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


@contextmanager
def surroundings(stage: Stage) -> Iterator[None]:
    """Within this, processes find what the story says."""
    structlog.configure(processors=[_Collector(stage)])
    try:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(registry, "get", poisoned_registry(stage.poison))
            patch.setattr(app, "load_symbol_rules", SYMBOL_RULES)
            for name in KEY_VARIABLES:
                patch.delenv(name, raising=False)
            if stage.story.has_key:
                patch.setenv(KEY_VARIABLES[0], "the user's")
                patch.setenv(KEY_VARIABLES[1], private_key())
            if stage.story.segment_bytes is not None:
                small = partial(Journal, segment_bytes=stage.story.segment_bytes)
                patch.setattr(opening, "Journal", small)
            if stage.story.moves_every_secs is not None:
                move = by_chance(Random(f"moves by chance {stage.story.seed}"))
                patch.setattr(venue, "next_move", move)
                patch.setattr(moves, "LOOK_SECS", stage.story.moves_every_secs)
                patch.setattr(moves, "LASTS_SECS", 0.0)
                patch.setattr(moves, "PAUSE_SECS", 0.0)
                patch.setattr(moves, "MOVED_WITHIN_SECS", 4 * stage.story.moves_every_secs)
            yield
    finally:
        structlog.reset_defaults()


class _Collector:
    """A log processor that counts lines and keeps the newest."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage

    def __call__(self, _logger: object, method: str, event: MutableMapping[str, Any]) -> Never:
        stage = self._stage
        stage.events[event["event"]] += 1
        stage.note_overflow(event)
        if event["event"] == "stopping":
            stage.processes[-1].note_waiting(stage.exchanges)
        stage.lines.append({"at": trio.current_time() - stage.began, "level": method, **event})
        del stage.lines[:-KEPT_LINES]
        if event["event"] == "crashed" and not stage.poison.since:
            stage.violations.append("".join(traceback.format_exc()))
        raise structlog.DropEvent
