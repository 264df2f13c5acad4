"""Plays dialogues over real sockets to the real program, several side by side, and judges them.

Each is played once, for as long as it takes to see what is right; the longest takes twelve minutes.
Ends with 1 if anything was not right.
"""

from __future__ import annotations

import argparse
import json
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import attrs
import trio

from tests.field.dialogue import Dialogue
from tests.field.from_field import FROM_FIELD
from tests.field.own import OWN
from tests.field.player import Player
from tests.field.rules import rules_of
from tests.field.seen import Seen
from tests.service.processes import ENVIRONMENT, command
from tick_logger.clock import SystemClock

START_SECS = 60.0
"""Until a program that was started asks for anything, on a busy machine."""

END_SECS = 40.0
"""Until a program that is to stop has stopped: more than it gives itself."""

SECOND_LIFE_SECS = 10.0
AT_ONCE = 8
"""Programs that run side by side: they sleep most of the time."""


async def perform(dialogue: Dialogue, secs: float, folder: Path) -> Seen:
    """What is left of a dialogue after so long; `folder` must be empty."""
    player = Player(rules_of(dialogue.path), SystemClock())
    log, codes = folder / "log", list[int]()
    async with trio.open_nursery() as nursery:
        (listener,) = await nursery.start(_serve, player)
        port = listener.socket.getsockname()[1]
        config = _write_config(dialogue, f"127.0.0.1:{port}", folder)
        codes.append(await _live(config, log, player, secs))
        while len(codes) < dialogue.lives:
            codes.append(await _live(config, log, player, SECOND_LIFE_SECS))
        nursery.cancel_scope.cancel()
    data = folder / "data"
    return Seen(
        venue=dialogue.venue,
        began_ns=player.began_ns,
        secs=player.age_secs,
        notes=player.notes,
        files={
            path.relative_to(data).as_posix(): path.read_bytes()
            for path in data.rglob("*")
            if path.is_file() and "journal" not in path.parts
        },
        lines=_lines(log),
        codes=codes,
    )


async def _serve(
    player: Player, task_status: trio.TaskStatus[Sequence[trio.SocketListener]]
) -> None:
    await trio.serve_tcp(player.serve_stream, 0, host="127.0.0.1", task_status=task_status)


async def _live(config: Path, log: Path, player: Player, secs: float) -> int:
    """The exit code of a program that is stopped after so long."""
    with log.open("ab") as stderr:
        process = await trio.lowlevel.open_process(
            command("--config", str(config)),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=stderr,
            env=ENVIRONMENT,
        )
    try:
        with trio.move_on_after(START_SECS):
            await player.begun.wait()
        with trio.move_on_after(secs):
            return await process.wait()
        process.send_signal(signal.SIGTERM)
        with trio.move_on_after(END_SECS):
            return await process.wait()
        return -signal.SIGKILL
    finally:
        if process.poll() is None:
            process.kill()
            with trio.CancelScope(shield=True):
                await process.wait()


def _write_config(dialogue: Dialogue, address: str, folder: Path) -> Path:
    settings: dict[str, Any] = {
        "ws_endpoint": f"ws://{address}",
        "rest_endpoint": f"http://{address}",
        "symbols": "all",
        "feeds": list(dialogue.feeds),
        **dialogue.settings,
    }
    lines = [f"[logger]\ndata_path = {json.dumps(str(folder / 'data'))}\n[http]\nenabled = false\n"]
    lines.append(f"[exchanges.{dialogue.venue}]\n")
    lines += [f"{key} = {json.dumps(value)}\n" for key, value in settings.items()]
    path = folder / "config.toml"
    path.write_text("".join(lines))
    return path


def _lines(log: Path) -> list[Mapping[str, Any]]:
    """Those of the log that are lines of the log."""
    texts = log.read_text(errors="replace").splitlines()
    return [json.loads(text) for text in texts if text.startswith("{")]


@attrs.frozen
class Judged:
    """What became of one dialogue."""

    dialogue: Dialogue
    complaints: Sequence[str]

    def row(self) -> str:
        """As a line of the table, what is not right below it."""
        verdict = "no " if self.complaints else "yes"
        seen = "".join(f"\n      seen:  {complaint}" for complaint in self.complaints)
        return f"{verdict} {self.dialogue.name}\n      right: {self.dialogue.words}{seen}"


async def rehearse(dialogues: Sequence[Dialogue], at_once: int, root: Path) -> list[Judged]:
    """Perform and judge them, the longest first."""
    judged: list[Judged] = []
    room = trio.CapacityLimiter(at_once)

    async def one(dialogue: Dialogue) -> None:
        async with room:
            folder = root / dialogue.name
            folder.mkdir(parents=True)
            seen = await perform(dialogue, dialogue.secs, folder)
            judged.append(Judged(dialogue, dialogue.complaints(seen)))
            print(judged[-1].row(), flush=True)  # noqa: T201

    async with trio.open_nursery() as nursery:
        for dialogue in sorted(dialogues, key=lambda each: -each.secs):
            nursery.start_soon(one, dialogue)
            await trio.lowlevel.checkpoint()
    return judged


def main() -> int:
    """The exit code."""
    options = _options()
    chosen = [
        each
        for each in (*OWN, *FROM_FIELD)
        if each.path.is_file() and (not options.names or each.name in options.names)
    ]
    unknown = {*options.names} - {each.name for each in chosen}
    if unknown:
        print(f"no such dialogues: {', '.join(sorted(unknown))}", file=sys.stderr)  # noqa: T201
        return 2
    with tempfile.TemporaryDirectory(prefix="dialogues-") as temporary:
        root = Path(options.keep or temporary)
        judged = trio.run(rehearse, chosen, options.at_once, root)
    right = sum(not each.complaints for each in judged)
    print(f"{right} of {len(judged)} dialogues are right")  # noqa: T201
    return 0 if right == len(judged) else 1


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="scripts/dialogues", description=__doc__)
    parser.add_argument("names", nargs="*", help="dialogues; without any, all that there are")
    parser.add_argument("--at-once", type=int, default=AT_ONCE, help="how many (%(default)s)")
    parser.add_argument("--keep", metavar="DIR", help="leave data and logs there")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
