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
    lines = [Text(OFFLINE, "bold red")] if snapshot.is_offline else []
    for those in _by_reason(snapshot):
        first = min((why for _, why in those), key=lambda why: why.since_ns)
        place = f" ({first.place})" if len(those) == 1 else ""
        said = f"{_names(those)}: {first.reason}{place}, since {since(first)}"
        lines += [Text(said, "bold red"), Text(f"  {first.what_to_do}", "yellow")]
    return lines


def unreached_in_short(snapshot: Snapshot) -> list[Text]:
    """One line for each reason, which shows its beginning: for where there is no room for all."""
    return [
        Text(
            f"{_names(those)}: {those[0][1].reason}", "bold red", no_wrap=True, overflow="ellipsis"
        )
        for those in _by_reason(snapshot)
    ]


def _by_reason(snapshot: Snapshot) -> list[list[tuple[str, Unreachable]]]:
    """The exchanges that are not connected, those with the same reason together."""
    together: dict[tuple[str, str], list[tuple[str, Unreachable]]] = {}
    for name, numbers in snapshot.exchanges.items():
        why = snapshot.unreachable.get(name)
        if why is not None and numbers.connections_up < max(numbers.connections_wanted, 1):
            together.setdefault((why.reason, why.what_to_do), []).append((name, why))
    return list(together.values())


def _names(those: list[tuple[str, Unreachable]]) -> str:
    return ", ".join(name for name, _ in those)
