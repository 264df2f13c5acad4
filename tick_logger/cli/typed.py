"""How the program was called, so that advice names a command that works when it is copied.

Not here: what is advised.
"""

from __future__ import annotations

import os
import shlex
import shutil
from collections.abc import Mapping
from pathlib import Path

COMMAND = "TICK_LOGGER_COMMAND"
"""Variable of the environment with which a script that calls the program names itself."""

PROGRAM = "tick_logger"


def as_typed(environ: Mapping[str, str], interpreter: str, program: str) -> str:
    """The words before the arguments: a script, `python -m tick_logger`, or the installed command.

    `interpreter` and `program` are `sys.orig_argv[0]` and `sys.argv[0]`.
    """
    if script := environ.get(COMMAND):
        return script
    path = Path(program)
    if path.parts[-2:] == (PROGRAM, "__main__.py"):
        return shlex.join([interpreter, "-m", PROGRAM])
    if path.name != PROGRAM:  # somebody else's program called it
        return PROGRAM
    found = shutil.which(PROGRAM, path=environ.get("PATH"))
    is_found = found is not None and os.path.realpath(found) == os.path.realpath(path)
    return PROGRAM if is_found else shlex.quote(program)
