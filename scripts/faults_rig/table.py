"""What was measured, for people and for programs."""

from __future__ import annotations

import json
from collections.abc import Sequence

import attrs

from scripts.faults_rig.figures import Figures

TITLES = (
    "fault", "venue", "lines", "back-fill", "sent", "recorded", "missing", "proven missing",
    "falsely reported", "healed", "seconds until healed",
)  # fmt: skip


@attrs.frozen
class Outcome:
    """One row: of one fault and setting at one venue, or why there is none."""

    fault: str
    lines: int
    backfill: bool
    venue: str = ""
    figures: Figures | None = None
    why_not: str = ""
    failed: bool = False
    recorder: str = ""  # another one

    @property
    def amiss(self) -> bool:
        """Whether it could not be measured although it should, or something is wrong on disk."""
        return self.failed or (self.figures is not None and self.figures.wrong > 0)

    def told(self) -> str:
        """In one line, for whoever waits."""
        if self.figures is None:
            return f"{self.fault}: {self.why_not}"
        said = ", ".join(f"{name} {value}" for name, value in self.figures.as_dict().items())
        return f"{self.fault} at {self.venue}: {said}"

    def cells(self) -> list[str]:
        """As the table has it."""
        lines = self.recorder or str(self.lines)
        backfill = "" if self.recorder else ("yes" if self.backfill else "no")
        if self.figures is None:
            return [self.fault, f"not measured: {self.why_not}", lines, backfill, *[""] * 7]
        return [self.fault, self.venue, lines, backfill, *numbers(self.figures)]


def numbers(figures: Figures) -> list[str]:
    """The cells of one row, or of a sum."""
    known = (figures.sent, figures.recorded, figures.missing, figures.proven)
    counts = [*known, figures.false, figures.healed]
    secs = figures.healed_secs
    return [*(f"{count:,}" for count in counts), "" if secs is None else f"{secs:.1f}"]


def table(outcomes: Sequence[Outcome]) -> str:
    """One line for each fault, setting and venue."""
    return _table(TITLES, [outcome.cells() for outcome in outcomes])


def summary(outcomes: Sequence[Outcome]) -> str:
    """One line for each fault and setting, all venues together; the slowest healing counts."""
    groups: dict[tuple[str, int, bool], list[Figures]] = {}
    for each in outcomes:
        if each.figures is not None:
            groups.setdefault((each.fault, each.lines, each.backfill), []).append(each.figures)
    rows = [
        [fault, f"all {len(found)}", str(lines), "yes" if fill else "no", *numbers(total(found))]
        for (fault, lines, fill), found in groups.items()
    ]
    return _table(TITLES, rows)


def total(found: Sequence[Figures]) -> Figures:
    """The sum; the slowest healing counts."""
    names = [field.name for field in attrs.fields(Figures) if field.name != "healed_secs"]
    sums = {name: sum(getattr(figures, name) for figures in found) for name in names}
    secs = [figures.healed_secs for figures in found if figures.healed_secs is not None]
    return Figures(**sums, healed_secs=max(secs, default=None))


def as_json(outcomes: Sequence[Outcome]) -> str:
    """A list of objects, one for each row."""
    rows = []
    for each in outcomes:
        row = {name: value for name, value in attrs.asdict(each).items() if name != "figures"}
        rows.append(row | (dict(each.figures.as_dict()) if each.figures else {}))
    return json.dumps(rows, indent=1)


def _table(titles: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = ["| " + " | ".join(titles) + " |", "|---" * len(titles) + "|"]
    return "\n".join([*lines, *("| " + " | ".join(row) + " |" for row in rows)])
