"""A dialogue that is to be performed: with which venue and settings, for how long, what is right.

What is right is said by checks (`checks`), each of which gives a sentence for whatever is not so.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, TypeAlias

import attrs

from tests.field.seen import Seen
from tick_logger.config.schema import ExchangeConfig
from tick_logger.exchanges import registry

Check: TypeAlias = Callable[[Seen], Iterable[str]]


@attrs.frozen(kw_only=True)
class Dialogue:
    """One performance, and its judges."""

    path: Path
    words: str  # what is right, for people
    venue: str
    feeds: tuple[str, ...] = ("trades",)
    secs: float  # that it takes to see what is right
    longer_secs: float = 0.0  # in virtual time, where that shows more
    lives: int = 1  # how often the program is started
    settings: Mapping[str, Any] = attrs.field(factory=dict)
    right: tuple[Check, ...]

    @property
    def name(self) -> str:
        """That of the file."""
        return self.path.stem

    @property
    def virtual_secs(self) -> float:
        """How long it lasts in virtual time."""
        return max(self.secs, self.longer_secs)

    def configure(self, ws_endpoint: str, rest_endpoint: str) -> ExchangeConfig:
        """The service's settings."""
        return ExchangeConfig(
            ws_endpoint=ws_endpoint,
            rest_endpoint=rest_endpoint,
            feeds=self.feeds,
            **self.settings,
        )

    def complaints(self, seen: Seen) -> list[str]:
        """What is not right, as sentences."""
        ending = [] if set(seen.codes) == {0} else [f"the program ended with {seen.codes}"]
        return ending + [complaint for check in self.right for complaint in check(seen)]


def dialogue(
    folder: Path,
    name: str,
    words: str,
    *right: Check,
    secs: float,
    **more: Any,  # noqa: ANN401
) -> Dialogue:
    """One whose name ends with its venue's; more as `Dialogue` takes it."""
    venue = next(each for each in _BY_LENGTH if name.endswith(f"-{each.replace('_', '-')}"))
    path = folder / f"{name}.jsonl"
    return Dialogue(path=path, words=words, venue=venue, secs=secs, right=right, **more)


_BY_LENGTH = sorted(registry.available(), key=len, reverse=True)
