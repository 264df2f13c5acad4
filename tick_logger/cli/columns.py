"""How tables look: columns side by side, plain text, in 80 characters where the words allow it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

GAP = "  "


def table(head: Sequence[str], rows: Iterable[Sequence[str]], *, right: str = "") -> str:
    """Lines of equal columns below a head; `right` names columns that are numbers, one space apart.

    Text is harmless on any terminal.
    """
    from tick_logger.telemetry.logs import harmless

    cells = [list(head), *([str(harmless(cell)) for cell in row] for row in rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    numbers = [name in right.split() for name in head]
    return "".join(f"{line(row, widths, numbers)}\n" for row in cells)


def line(row: Sequence[str], widths: Sequence[int], numbers: Sequence[bool]) -> str:
    """One line of such a table."""
    padded = (
        cell.rjust(width) if number else cell.ljust(width)
        for cell, width, number in zip(row, widths, numbers, strict=True)
    )
    return GAP.join(padded).rstrip()


def lasted(seconds: float) -> str:
    """A length of time in two units: `1d 3h`, `12m 5s`, `3.2s`."""
    if seconds < 60:
        return f"{seconds:.1f}s"
    whole = round(seconds)
    for size, big, small, part in ((86_400, "d", "h", 3_600), (3_600, "h", "m", 60)):
        if whole >= size:
            return f"{whole // size}{big} {whole % size // part}{small}"
    return f"{whole // 60}m {whole % 60}s"
