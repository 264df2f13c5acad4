"""Which exchanges cannot be reached, why, since when and what to do, in few lines of a screen.

The reason comes first and is never cut: names and the rest of it wrap into more lines.  Exchanges
that fail for the same reason stand together.
"""

from __future__ import annotations

from rich.text import Text

from tick_logger.model.connections import OFFLINE, Unreachable
from tick_logger.ops.status.reasons import since
from tick_logger.ops.status.snapshot import Snapshot


def unreached(snapshot: Snapshot) -> list[Text]:
    """A line for each reason, and one for what to do about it."""
    together: dict[tuple[str, str], list[tuple[str, Unreachable]]] = {}
    for name, numbers in snapshot.exchanges.items():
        why = snapshot.unreachable.get(name)
        if why is not None and numbers.connections_up < max(numbers.connections_wanted, 1):
            together.setdefault((why.reason, why.what_to_do), []).append((name, why))
    lines = [Text(OFFLINE, "bold red")] if snapshot.is_offline else []
    for (reason, what_to_do), those in together.items():
        names = ", ".join(name for name, _ in those)
        first = min((why for _, why in those), key=lambda why: why.since_ns)
        place = f" ({first.place})" if len(those) == 1 else ""
        said = f"{names}: {reason}{place}, since {since(first)}"
        lines += [Text(said, "bold red"), Text(f"  {what_to_do}", "yellow")]
    return lines
