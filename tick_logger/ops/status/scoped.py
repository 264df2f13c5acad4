"""A view of a recorder with some of its exchanges: the others leave no trace in what is told.

What belongs to the recorder alone (disk, journal, loop) stays; a trouble of it that names another
exchange is said without the name.
"""

from __future__ import annotations

import re
from collections.abc import Collection

import attrs

from tick_logger.ops.status.status import View

ELSEWHERE = "the recorder is in trouble with an exchange that is not shown"


def seen(view: View, exchanges: Collection[str] | None) -> View:
    """The view as whoever may be told of these exchanges has it; None: of all."""
    if exchanges is None:
        return view
    hidden = [name for name in view.exchanges if name not in exchanges]
    shown = {name: each for name, each in view.exchanges.items() if name in exchanges}
    troubles = [ELSEWHERE if _names(each, hidden) else each for each in view.troubles]
    return attrs.evolve(
        view, exchanges=shown, troubles=tuple(dict.fromkeys(troubles)), owners=tuple(shown)
    )


def _names(text: str, exchanges: Collection[str]) -> bool:
    return any(re.search(rf"(?<!\w){re.escape(name)}(?!\w)", text) for name in exchanges)
