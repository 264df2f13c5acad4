"""The same fault for another recorder, which says by itself what it has recorded.

The venue is played at an address that is told on standard error.  The fault begins when the
recorder has been subscribed for some seconds.  What it has recorded comes on standard input, one
trade id a line (a UUID where the venue has these), while it runs or afterwards; the row is printed
when that ends.  What a recorder says of its own holes is not asked, so none is proven.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

import numpy as np
import trio

from scripts.faults_rig.case import QUIET_SECS, Case, Setting
from scripts.faults_rig.faults import FAULTS, act_of
from scripts.faults_rig.figures import Recorded, Truth, compare
from scripts.faults_rig.processes import Recorder, open_venues
from scripts.faults_rig.table import Outcome
from scripts.faults_rig.venues import symbol_of

LOOK_SECS = 0.1
UUID_DIGITS = 15
"""So many hexadecimal digits of a UUID are what it is known by."""


def known_ids(text: str) -> np.ndarray[tuple[int], np.dtype[np.uint64]]:
    """The ids of a text with one a line; raises `ValueError` for what is none."""
    return np.array([_id(line.strip()) for line in text.splitlines() if line.strip()], np.uint64)


def _id(word: str) -> int:
    return int(word.replace("-", "")[:UUID_DIGITS], 16) if "-" in word else int(word)


async def against_peer(
    setting: Setting, venue: str, fault: str, folder: Path, *, port: int, after_secs: float
) -> Outcome:
    """Play the venue and the fault; the row of whoever has recorded."""
    chosen = FAULTS[fault]
    asked = {
        "venues": [venue], "rate": setting.rate, "tls": chosen.world.tls, "port": port,
        "lifetime_secs": chosen.world.lifetime_secs, "folder": str(folder),
    }  # fmt: skip
    async with open_venues(asked) as venues:
        secure = "s" if chosen.world.tls else ""
        _say(
            f"{venue} is at ws{secure}://127.0.0.1:{venues.ports[venue]} and "
            f"http{secure}://127.0.0.1:{venues.rest_ports[venue]}, and trades {symbol_of(venue)}"
        )
        if venues.authority:
            _say(f"its certificate is issued by {venues.authority}")
        nobody = Recorder(folder, folder, folder, folder)  # the faults are the network's
        case = Case(setting, folder, folder, [venue], venues, nobody)
        texts: list[str] = []
        async with trio.open_nursery() as nursery:
            nursery.start_soon(_hear, texts)
            while not (await venues.do("look"))[venue]["told"]:  # noqa: ASYNC110
                await trio.sleep(LOOK_SECS)
            began_ns = time.time_ns()
            await trio.sleep(setting.seconds)
            _say(f"{fault}: {chosen.words}")
            await act_of(chosen, None)(case)
            await trio.sleep(after_secs)
            await venues.do("quiet")
            await trio.sleep(QUIET_SECS)
            _say("it is over: stop the recorder, and let standard input end")
        path = folder / "truth.npz"
        await venues.do("truth", path=str(path))
    with np.load(path) as columns:
        truth = Truth(columns[f"{venue} ids"], columns[f"{venue} told"])
    ids = known_ids("".join(texts))
    recorded = Recorded(ids, np.full(len(ids), began_ns), np.zeros(len(ids), np.uint8))
    figures = compare(truth, recorded, case.over_ns)
    return Outcome(fault, 1, False, venue, figures, recorder="peer")


async def _hear(texts: list[str]) -> None:
    texts.append(await trio.to_thread.run_sync(sys.stdin.read))


def _say(text: str) -> None:
    sys.stderr.write(text + "\n")
    sys.stderr.flush()
