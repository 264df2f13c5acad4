"""The command that asks exchanges for trades that a recording at rest lacks.

Imports what it needs when it is called.  Not here: the run itself (`filling_at_rest`).
"""

from __future__ import annotations

import json as json_format
import math
import sys
import time
from collections.abc import Collection, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import attrs

from tick_logger import exit_codes
from tick_logger.cli.arguments import load_config, problem, require
from tick_logger.cli.reading import moment

if TYPE_CHECKING:
    from tick_logger.cli.filling_at_rest import Filled
    from tick_logger.config.schema import Config

NS_PER_DAY = 86_400 * 10**9


def backfill_command(
    directory: Path,
    /,
    *,
    exchange: str | None = None,
    since: str = "7d",
    config: Path | None = None,
    json: bool = False,
) -> int:
    """Ask exchanges for trades that are missing in a recording at rest; 1 if some stay missing.

    Parameters
    ----------
    directory
        What was recorded into; nobody may record there meanwhile.
    exchange
        Only of this one.
    since
        Only holes that began after this time, or in the last days: 2026-11-29, 7d.
    config
        TOML file with the entrances by which it was recorded, or else the usual ones are asked, and
        whose [archive] may have days of it.
    json
        Print one JSON object instead of lines.
    """
    from tick_logger.cli.places import require_recording
    from tick_logger.exchanges import registry

    known = registry.available()
    named = exchange is None or registry.knows(exchange)
    why = None if named else f"must be one of {', '.join(known)}, or an entrance of one"
    require(problem("--exchange", why))
    days = math.ceil(max(time.time_ns() - moment("--since", since), 0) / NS_PER_DAY)
    require_recording(directory)
    filled, code = _filled(_config(directory, exchange, config), days, quiet=json)
    if json:
        plain = {name: attrs.asdict(each) for name, each in filled.items()}
        sys.stdout.write(json_format.dumps({"exchanges": plain}, indent=2) + "\n")
    else:
        lines = [_line(name, each) for name, each in filled.items()]
        sys.stdout.writelines(lines or ["no holes in trades that can be asked about\n"])
    open_still = any(each.left or each.waiting for each in filled.values())
    return code or (exit_codes.FOUND if open_still else exit_codes.CLEAN)


def _filled(config: Config, days: int, *, quiet: bool) -> tuple[Mapping[str, Filled], int]:
    import trio

    from tick_logger.app import Ports
    from tick_logger.cli.filling_at_rest import fill
    from tick_logger.telemetry.levels import Levels
    from tick_logger.telemetry.logs import configure

    logs = configure(Levels("critical" if quiet else "info"))
    try:
        return trio.run(partial(fill, config, Ports(), days))
    finally:
        logs.close()


def _config(directory: Path, exchange: str | None, file: Path | None) -> Config:
    """That of each exchange that is recorded there, with the width of prices there, and the
    archive of a file.

    An entrance with a name of its own is asked only where a file says what it is: the usual
    endpoints may be another market's.
    """
    from tick_logger.config.chosen import Chosen
    from tick_logger.storage.disk_files import DiskFiles
    from tick_logger.storage.format_file import read_widths

    there = _recorded(directory, exchange)
    configured = load_config(file, str(directory))
    own = configured.exchanges if file is not None else {}
    usual, left_out = _divided(there, own)
    if left_out:
        sys.stderr.write(
            f"tick_logger: {', '.join(left_out)} cannot be asked: --config must name a file that "
            "says by which entrance\n"
        )
    loaded = load_config(None, str(directory), Chosen(symbols={name: ["*"] for name in usual}))
    known = {**loaded.exchanges, **own}
    widths = read_widths(DiskFiles(str(directory)))
    width = widths[-1].price_dtype if widths else loaded.logger.price_dtype
    return attrs.evolve(
        loaded,
        logger=attrs.evolve(loaded.logger, price_dtype=width),
        http=attrs.evolve(loaded.http, enabled=False),
        archive=configured.archive,
        exchanges={name: known[name] for name in there if name not in left_out},
    )


def _recorded(directory: Path, exchange: str | None) -> list[str]:
    from tick_logger.exchanges import registry

    names = sorted(each.name for each in directory.iterdir() if each.is_dir())
    return [each for each in names if registry.knows(each) and exchange in (None, each)]


def _divided(there: Sequence[str], configured: Collection[str]) -> tuple[list[str], list[str]]:
    """Those that are asked where they usually are, and those of which nobody says where."""
    from tick_logger.exchanges import registry

    others = [name for name in there if name not in configured]
    usual = [name for name in others if registry.adapter(name) == name]
    return usual, [name for name in others if name not in usual]


def _line(name: str, filled: Filled) -> str:
    return (
        f"{name}: {filled.holes:,} holes, {filled.healed:,} filled with {filled.trades:,} trades "
        f"in {filled.requests:,} requests, {filled.void:,} that the exchange lacks too, "
        f"{filled.left:,} left, {filled.waiting:,} to be asked about again in an hour\n"
    )
