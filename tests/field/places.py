"""Where inputs from the field lie: our own here, and more in a folder beside the repository.

That folder is named by TICK_LOGGER_CASES, or is `shared/cases` beside the repository.  It holds
cases (`*.jsonl`) and, in `dialogues`, what venues said and when.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

OWN_CASES = Path(__file__).parent / "cases"
OWN_DIALOGUES = Path(__file__).parent / "dialogues"

_BESIDE = Path(__file__).parent.parent.parent.parent / "shared" / "cases"
CASES = Path(os.environ.get("TICK_LOGGER_CASES") or _BESIDE)
DIALOGUES = CASES / "dialogues"

needs_cases = pytest.mark.skipif(
    not CASES.is_dir(),
    reason=f"no cases at {CASES}; TICK_LOGGER_CASES names their folder",
)
