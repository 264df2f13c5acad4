"""An adapter with a bug: it fails on the payloads that come while the bug shows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import attrs
import trio

from tick_logger.exchanges import registry
from tick_logger.exchanges.base import Decoded, Exchange

Undo = Callable[[], None]


@attrs.define(eq=False)
class Poison:
    """Payloads that adapters fail on: those that come while the bug shows."""

    payloads: set[bytes] = attrs.field(factory=set)
    since: dict[str, list[tuple[float, float]]] = attrs.field(factory=dict)
    _active: Counter[str] = attrs.field(factory=Counter)

    def begin(self, exchange: str) -> Undo:
        """From now on, what this exchange sends is poison."""
        self._active[exchange] += 1
        began = trio.current_time()
        self.since.setdefault(exchange, []).append((began, float("inf")))

        def undo() -> None:
            self._active[exchange] -= 1
            self.payloads.clear()  # the bug is mended
            self.since[exchange].remove((began, float("inf")))
            self.since[exchange].append((began, trio.current_time()))

        return undo

    def touch(self, exchange: str, payloads: Sequence[bytes]) -> None:
        """These payloads have come."""
        if self._active[exchange]:
            self.payloads.update(payloads)


def poisoned(exchange: Exchange, poison: Poison) -> Exchange:
    """The adapter with a bug that shows on poison only."""

    class Buggy(type(exchange)):  # type: ignore[misc]
        def decode(self, payloads: Sequence[bytes], instruments: Mapping[str, int]) -> Decoded:
            if poison.payloads and not poison.payloads.isdisjoint(payloads):
                raise KeyError("a bug")
            found: Decoded = super().decode(payloads, instruments)
            return found

    buggy: Any = Buggy()
    return buggy  # type: ignore[no-any-return]


def poisoned_registry(poison: Poison) -> Callable[[str], Exchange]:
    """In place of `registry.get`."""
    adapters = {name: poisoned(registry.get(name), poison) for name in registry.available()}

    def get(name: str) -> Exchange:
        adapter = adapters[registry.adapter(name) or ""]
        return adapter if adapter.name == name else adapter.called(name)

    return get
