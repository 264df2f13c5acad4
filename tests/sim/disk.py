"""The disk of a story, and the way to it: what is slow, what fails, and when the power goes."""

from __future__ import annotations

from collections.abc import Callable
from fnmatch import fnmatchcase
from random import Random
from typing import TypeVar

import attrs
import trio

from tests.fakes.sim_disk import PowerCut, SimDisk
from tests.sim.readers import Readers
from tick_logger.errors import StorageError

T = TypeVar("T")


class StoryDisk(SimDisk):
    """A simulated disk whose power cut waits for an operation of a kind, with readers beside it."""

    def __init__(self, rng: Random) -> None:
        super().__init__(rng)
        self.readers = Readers()
        self._aim: tuple[str, str, int] | None = None

    @property
    def used_bytes(self) -> int:
        """What all files hold."""
        return self._used

    def aim(self, operation: str, path: str, after: int) -> None:
        """Cut the power at the next such operation, or so many operations after it."""
        self._aim = operation, path, after

    def die(self) -> None:
        """Let no operation be done any more until `crash`."""
        self._dead = True
        self._aim = None

    def failing(
        self, *operations: str, number: int, path: str = "*", times: int | None = None
    ) -> Callable[[], None]:
        """As `fail`; returns what ends it."""
        self.fail(*operations, number=number, path=path, times=times)
        fault = self._faults[-1]

        def undo() -> None:
            if any(each is fault for each in self._faults):
                self._faults = [each for each in self._faults if each is not fault]

        return undo

    def _mishap(self, operation: str, path: str) -> BaseException | None:
        if self._aim is not None and not self._dead:
            wanted, pattern, after = self._aim
            if fnmatchcase(operation, wanted) and fnmatchcase(path, pattern):
                self._cut_at = self.operations + 1 + after
                self._aim = None
        return super()._mishap(operation, path)

    def _grow(self, path: str, data: bytes | memoryview) -> None:
        before = len(self.contents.get(path, b""))
        super()._grow(path, data)
        self.readers.changed(self.contents, path, before)

    def _cut(self, path: str, size: int) -> None:
        before = len(self.contents[path])
        super()._cut(path, size)
        self.readers.changed(self.contents, path, before)


@attrs.define(eq=False)
class StoryOffload:
    """Runs work inline, sometimes late; notes what failed; when the power goes, nothing returns.

    `failures` are the times (of trio's clock) of errors, `journal_failures` of those on the
    journal's segments, `waits` the times between which something took long.
    """

    died: trio.Event = attrs.field(factory=trio.Event)
    failures: list[float] = attrs.field(factory=list)
    journal_failures: list[float] = attrs.field(factory=list)
    waits: list[tuple[float, float]] = attrs.field(factory=list)
    _delay_secs: list[float] = attrs.field(factory=list)
    _stalls: int = 0
    _free: trio.Event = attrs.field(factory=trio.Event)

    def new_process(self) -> None:
        """Another process uses it."""
        self.died = trio.Event()

    def delay(self, secs: float) -> Callable[[], None]:
        """Let everything take longer; returns what ends it."""
        self._delay_secs.append(secs)
        return lambda: self._delay_secs.remove(secs)

    def stall(self) -> Callable[[], None]:
        """Let nothing begin; returns what ends it."""
        self._stalls += 1

        def undo() -> None:
            self._stalls -= 1
            if not self._stalls:
                self._free.set()
                self._free = trio.Event()

        return undo

    async def run(self, work: Callable[[], T]) -> T:
        """The result of `work()`.

        Cancellation: the wait ends at once.
        """
        await trio.lowlevel.checkpoint()
        began = trio.current_time()
        try:
            return await self._run(work)
        finally:
            if trio.current_time() > began:
                self.waits.append((began, trio.current_time()))

    @property
    def idle(self) -> bool:
        """Always: nothing outlives the call."""
        return True

    async def _run(self, work: Callable[[], T]) -> T:
        while self._stalls:
            await self._free.wait()
        delay_secs = sum(self._delay_secs)
        if delay_secs:
            await trio.sleep(delay_secs / 2)
        if self.died.is_set():
            await trio.sleep_forever()
        try:
            result = work()
        except PowerCut:
            self.died.set()
            await trio.sleep_forever()
            raise
        except (OSError, StorageError) as error:
            self._note(error)
            raise
        if delay_secs:
            await trio.sleep(delay_secs / 2)
        return result

    def _note(self, error: BaseException) -> None:
        self.failures.append(trio.current_time())
        cause: BaseException | None = error
        while cause is not None and not isinstance(cause, OSError):
            cause = cause.__cause__
        path = "" if cause is None else str(cause.filename or "")
        if path.endswith(".tlj") or path in ("", "journal"):
            self.journal_failures.append(trio.current_time())
