"""Makes another version beside the one that is installed, starts it, and goes back if it must.

    1. the new version in a folder of its own, with its environment
    2. its judgement of the configuration and of the data directory; whether there is a way back
    3. stop, link, start
    4. `/ready` for a minute: if it is not ready at the end, stop, link back, start

Until 3 nothing has changed for the recorder that runs.  Exit codes: 0 the new version records,
1 the old one records again, 2 nothing was changed, 3 neither is ready.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import attrs

from scripts.upgrading.errors import RefusedError
from scripts.upgrading.machine import Service, Version, apart, make_beside
from scripts.upgrading.readiness import Recorder, environment, recorder_of, wait, watch

UPGRADED, BACK, REFUSED, LOST = 0, 1, 2, 3

BACK_SHARE = 10
"""So many times as long the old version is waited for: what the new one left may have to be
recovered first."""


@attrs.frozen
class Wanted:
    """What the command line says."""

    version: str
    link: Path
    service: str
    config: Path
    data_path: Path
    environment: Path
    watch_secs: float
    every_secs: float
    anyway: bool


def upgrade(wanted: Wanted) -> int:
    """Do it; returns the exit code."""
    service = Service(wanted.service, wanted.link)
    try:
        new, recorder = _prepared(wanted)
        old = apart(wanted.link)
    except (RefusedError, OSError) as error:
        _say(f"Nothing was changed: {error}")
        return REFUSED
    _say(f"Stopping {service.name}, and starting {new.folder} ...")
    try:
        service.point_at(new)
        reasons = watch(recorder, wanted.watch_secs, wanted.every_secs)
    except (RefusedError, OSError, KeyboardInterrupt) as error:
        reasons = [str(error) or "interrupted"]
    if not reasons:
        _say(f"{new.folder} is ready.  {old.folder} may be removed when it is not wanted any more.")
        return UPGRADED
    _say("It is not ready:", *reasons, f"Going back to {old.folder} ...")
    try:
        service.point_at(old)
        reasons = wait(recorder, BACK_SHARE * wanted.watch_secs, wanted.every_secs)
    except (RefusedError, OSError) as error:
        reasons = [str(error)]
    if reasons:
        _say(
            "The old version is not ready either:", *reasons, f"Look: journalctl -u {service.name}"
        )
        return LOST
    _say(f"{old.folder} records again.  Why the other did not: journalctl -u {service.name}")
    return BACK


def _prepared(wanted: Wanted) -> tuple[Version, Recorder]:
    """The new version, fit to be started, and where it will be asked."""
    here = Version(wanted.link)
    _say(f"Making {wanted.version} beside {wanted.link} ...")
    new = make_beside(Version(wanted.link.resolve()), wanted.link, wanted.version)
    environ = environment(wanted.environment)
    effective = new.run(
        "check-config", str(wanted.config), "--data-path", str(wanted.data_path), environ=environ
    )
    recorder = recorder_of(effective, wanted.config, environ)
    if not wanted.anyway:
        _require_way_back(here, new)
        if reasons := recorder.not_ready():
            said = "; ".join(reasons)
            raise RefusedError(f"what runs is not ready, so nobody could tell: {said}; --anyway")
    return new, recorder


def _require_way_back(old: Version, new: Version) -> None:
    """That the old version could go on with what the new one writes in its minute."""
    known, needed = old.number("GENERATION"), new.number("READABLE_FROM")
    if known is None or needed is None:
        _say("Whether the old version could go on with what the new one writes is not known.")
    elif known < needed:
        raise RefusedError(
            f"there is no way back: what {new.folder} writes is readable since generation "
            f"{needed}, and {old.folder} is of {known}; copy the directory, then --anyway"
        )


def _say(*lines: str) -> None:
    sys.stdout.write("\n".join(lines) + "\n")
    sys.stdout.flush()


def _wanted(words: list[str] | None) -> Wanted:
    parser = argparse.ArgumentParser(
        prog="scripts/upgrade", description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    add = parser.add_argument
    add("version", help="a tag or a commit")
    add("--link", type=_path, default="/opt/tick_logger", help="what the service starts")
    add("--service", default="tick_logger", help="its name")
    add("--config", type=_path, default="/etc/tick_logger/tick_logger.toml")
    add("--data-path", type=_path, default="/var/lib/tick_logger")
    told = "variables of the service, as NAME=value"
    add("--environment", type=_path, default="/etc/tick_logger/environment", help=told)
    told = "for so many seconds /ready is watched; more where connecting takes longer"
    add("--watch", type=float, default=60.0, dest="watch_secs", help=told)
    add("--every", type=float, default=1.0, dest="every_secs", help="seconds between two looks")
    told = "also if what runs is not ready, or if there is no way back"
    add("--anyway", action="store_true", help=told)
    return Wanted(**vars(parser.parse_args(words)))


def _path(text: str) -> Path:
    return Path(text).absolute()


if __name__ == "__main__":
    sys.exit(upgrade(_wanted(None)))
