"""All exchanges at once over real sockets, as fast as the recorder reads: the same rows."""

from __future__ import annotations

from pathlib import Path

import pytest
import trio

from tests.playback.recorded import STOOD_IN, differing, of_table, record_simulated, streams_of
from tests.playback.sockets import from_disk, record_over_sockets, to_disk
from tests.service.world import in_virtual_time
from tick_logger.playback.exchange import Playing
from tick_logger.simulator.registry import DIALECTS

SECS = 10.123


@pytest.mark.slow
@pytest.mark.seldom
@pytest.mark.parametrize("speed", [None, 2.0])
def test_all_exchanges_at_once(tmp_path: Path, speed: float | None) -> None:
    """In all columns but those of receipt."""
    recordings = {name: in_virtual_time(record_simulated, name, SECS) for name in sorted(DIALECTS)}
    folders = {name: tmp_path / "before" / name for name in recordings}
    for name, files in recordings.items():
        to_disk(files, folders[name])
    trio.run(record_over_sockets, folders, tmp_path / "after", Playing(speed=speed))
    after = from_disk(tmp_path / "after")
    for name, before in recordings.items():
        for symbol, tables in streams_of(before, name).items():
            for table in tables:
                pair = [of_table(files, name, symbol, table) for files in (before, after)]
                but = STOOD_IN.get((name, table), ())
                assert differing(*pair, but=but) == [], f"{name} {symbol} {table}"
