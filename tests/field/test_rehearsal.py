"""Over real sockets, the real program leaves behind what can be judged."""

from __future__ import annotations

from pathlib import Path

import attrs
import pytest

from tests.field.own import OWN
from tests.field.rehearsal import AT_ONCE, rehearse
from tests.field.seen import Seen

pytestmark = pytest.mark.slow
SECS = 3.0


async def test_a_dialogue_is_played_to_the_real_program(tmp_path: Path) -> None:
    """For three seconds, and judged by what it left."""
    (dialogue,) = (each for each in OWN if each.name == "one-bad-trade-okx")
    kept: list[Seen] = []

    def judge(seen: Seen) -> list[str]:
        kept.append(seen)
        return ["not so"]

    short = attrs.evolve(dialogue, secs=SECS, right=(judge,))
    (judged,) = await rehearse([short], AT_ONCE, tmp_path)
    (seen,) = kept
    assert judged.complaints == ["not so"]
    assert seen.codes == [0]
    assert seen.asked("rest", "/api/v5/public/instruments")
    assert 701 in seen.rows("AAA-USDT", "TRADES")["trade_id"]
    assert seen.said("connected")
    assert judged.row().splitlines() == [
        "no  one-bad-trade-okx",
        f"      right: {dialogue.words}",
        "      seen:  not so",
    ]
