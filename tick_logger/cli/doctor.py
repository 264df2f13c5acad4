"""The command `doctor`: what keeps a configuration from recording, one line each."""

from __future__ import annotations

import json as json_format
import sys
import textwrap
from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING

from tick_logger import exit_codes
from tick_logger.cli.arguments import ConfigFile, load_config, positive, require

if TYPE_CHECKING:
    from tick_logger.doctor.lines import Section

WIDTH = 80
NAMES = 13
STATES = 9


def doctor_command(
    *,
    config: ConfigFile = None,
    data_path: str | None = None,
    seconds: float = 20.0,
    json: bool = False,
) -> int:
    """Look for what keeps this machine from recording; exit code 0 only if nothing is wrong.

    Looks at data path, disk, open files, memory and port; at each exchange at names, TCP, TLS,
    clock, listing and symbols; and receives ten real messages of each feed. Records nothing.

    Parameters
    ----------
    config
        TOML file; without it, the exchanges that are recorded by default.
    data_path
        Directory to record into, instead of the configured one.
    seconds
        How long messages are waited for at most.
    json
        Print one JSON object instead of lines.
    """
    require(positive("--seconds", seconds))
    loaded = load_config(config, data_path)
    import trio

    from tick_logger.doctor.lines import as_plain
    from tick_logger.doctor.looking import look
    from tick_logger.telemetry.levels import Levels
    from tick_logger.telemetry.logs import configure

    logs = configure(Levels("critical"))  # what is wrong is said in lines here
    try:
        show = _nothing if json else _show
        found = trio.run(partial(look, loaded, most_secs=seconds, on_section=show))
    finally:
        logs.close()
    if json:
        sys.stdout.write(json_format.dumps(as_plain(found), indent=2) + "\n")
    else:
        counts = [
            sum(line.state == state for each in found for line in each.lines)
            for state in ("wrong", "warning")
        ]
        sys.stdout.write(f"{counts[0]} wrong, {counts[1]} warnings\n")
    return exit_codes.FOUND if any(each.wrong for each in found) else exit_codes.CLEAN


def _nothing(_section: Section) -> None:
    pass


def _show(section: Section) -> None:
    from tick_logger.telemetry.logs import harmless

    sys.stdout.writelines(f"{harmless(line)}\n" for line in _lines(section))
    sys.stdout.flush()


def _lines(section: Section) -> Iterator[str]:
    yield section.name
    for line in section.lines:
        begin = f"  {line.name.ljust(NAMES)}{line.state.ljust(STATES)}"
        said = f"{line.said}: {line.advice}" if line.advice else line.said
        yield from textwrap.wrap(
            said,
            WIDTH,
            initial_indent=begin,
            subsequent_indent=" " * len(begin),
            break_on_hyphens=False,
        )
    yield ""
