"""How important a line must be to be written: on standard error, in the file, and by part.

Not here: where lines go, and how they look (`logs`).
"""

from __future__ import annotations

from collections.abc import Mapping

import attrs

LEVELS = ("debug", "info", "warning", "error", "critical")
"""From the least important to the most."""


@attrs.frozen
class Levels:
    """The least important level that is shown, and that is filed; a part's own stands for both.

    A part is a package or a module of the program by its name, such as "net.rest"; of the names in
    `by_part` that begin it, the longest counts.
    """

    shown: str = "info"
    filed: str = "info"
    by_part: Mapping[str, str] = attrs.field(factory=dict)
    _known: dict[str, tuple[int, int]] = attrs.field(factory=dict, init=False, repr=False, eq=False)

    def least(self, part: str) -> tuple[int, int]:
        """For lines of this part, as places in `LEVELS`: what is shown, and what is filed."""
        if part not in self._known:
            self._known[part] = self._found(part)
        return self._known[part]

    def _found(self, part: str) -> tuple[int, int]:
        fitting = [name for name in self.by_part if part == name or part.startswith(f"{name}.")]
        if fitting:
            own = LEVELS.index(self.by_part[max(fitting, key=len)])
            return own, own
        return LEVELS.index(self.shown), LEVELS.index(self.filed)
