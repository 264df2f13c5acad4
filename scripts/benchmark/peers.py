"""Other recorders in the same rounds: where they are installed, and how they are run.

They live in an environment of their own below the bench's cache folder, made from pinned versions
when it is first asked for.  Nothing of it is a dependency of the project: where it cannot be made,
the peers are skipped, and the reason is told.  Nothing is compared that was not measured in the
same round, right after the recorder and with the same load.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import attrs

from scripts.benchmark.matrix import Case

PINS = (
    "cryptofeed==2.4.1",
    "picows==2.3.1",
    "msgspec==0.23.0",
    "uvloop==0.23.0",
    "yapic.json==1.9.5",
    "websockets==17.4",
    "aiohttp==3.14.5",
)
"""What figures depend on is pinned, so that two runs of different days compare: the recorders, and
what decodes, splits frames and turns the loop for them.  What else pip brings does not matter."""
MADE = "made-from"
INSTALL_SECS = 300.0


@attrs.frozen
class Peer:
    """Another recorder.

    `kind` is the dialect of trades that it asks for, `share` the part of the messages that it gets
    when saturated: a slow one needs fewer for the same certainty.
    """

    name: str
    module: str
    kind: str = "trades"
    share: float = 1.0


PEERS = (
    Peer("compiled_floor", "scripts.benchmark.peer_floor"),
    Peer("cryptofeed", "scripts.benchmark.peer_cryptofeed", kind="aggregates", share=0.1),
)


def cache_folder() -> Path:
    """Where the environment is: `TICK_LOGGER_BENCH_CACHE`, or below the user's cache folder."""
    named = os.environ.get("TICK_LOGGER_BENCH_CACHE")
    return Path(named) if named else Path.home() / ".cache" / "tick_logger_bench"


def prepare(folder: Path) -> tuple[str, str]:
    """The Python with the peers in it, made if need be; else "" and why there is none."""
    python, made = folder / "peers" / "bin" / "python", folder / "peers" / MADE
    pins = "\n".join((*PINS, sys.version))
    if made.exists() and made.read_text() == pins:
        return str(python), ""
    steps = (
        [sys.executable, "-m", "venv", "--clear", str(folder / "peers")],
        [str(python), "-m", "pip", "install", "--quiet", *PINS],
    )
    for step in steps:
        try:
            done = subprocess.run(step, capture_output=True, text=True, timeout=INSTALL_SECS)
        except (OSError, subprocess.TimeoutExpired) as error:
            return "", f"{step[-1]}: {error}"
        if done.returncode:
            said = (done.stderr or done.stdout).strip().splitlines() or ["no reason given"]
            return "", said[-1]
    made.write_text(pins)
    return str(python), ""


def case_for(peer: Peer, case: Case) -> Case:
    """The same load in the peer's dialect; saturated, its share of it in whole messages."""
    per_connection = int(case.messages * peer.share) // case.connections
    return attrs.evolve(case, kind=peer.kind, messages=per_connection * case.connections)


def compared(case: Case) -> bool:
    """Whether peers are measured beside the recorder: with trades, and as the recorder is usual."""
    return case.peers and case.kind == "trades"


def ratios(ours_us: float, theirs_us: dict[str, float]) -> dict[str, float]:
    """Each peer's µs per message, and the recorder's as a multiple of it."""
    found = {f"{name}_us": value for name, value in theirs_us.items()}
    return found | {f"times_{name}": ours_us / value for name, value in theirs_us.items() if value}
