"""What several commands take, in the words of the library that reads the command line.

Not here: what a value means (`reading`).
"""

from __future__ import annotations

from typing import Annotated

import cyclopts

Several = Annotated[list[str] | None, cyclopts.Parameter(negative="")]
"""A word that may be given any number of times, and has no `--no-…`."""

Flag = Annotated[bool, cyclopts.Parameter(negative="")]
"""On if it is given; there is no `--no-…`."""
