"""Interruptions of books that are told when they are over, because a line froze unnoticed.

While one line was known to be interrupted the other seemed to carry the book, so that nothing broke
when the first one resumed it.  As is known now, the book was interrupted until then.  It is broken
since, if a snapshot was asked for on the line that resumed it, or is from now on: else its updates
have joined those that came before, and nothing is lacking.

Marks are kept until that is known; of each book those that came last.  Not here: what is recorded
of books that are broken (`broken_books`), and which interruptions are told late (`coverage`).
"""

from __future__ import annotations

import attrs

from tick_logger.model.marks import AwaitSnapshot, Interrupted, Lapse, Mark, Resumed, Retired
from tick_logger.model.tables import Table
from tick_logger.pipeline.plain_state import Plain


@attrs.frozen
class Unnoticed:
    """A book that is broken since then; a snapshot that mends it is to join this id."""

    instrument: int
    since_ns: int
    first_id: int


class LateEnds:
    """When books were resumed whose interruption was told late, and when snapshots were asked for.

    All are receive times in nanoseconds, by instrument.
    """

    def __init__(self) -> None:
        self._lapsed: dict[int, int] = {}  # the end of the newest lapse
        self._asked: dict[int, tuple[int, int]] = {}  # and the id that is to be joined
        self._resumed: dict[int, int] = {}  # late, and nothing was asked for since

    def note(self, mark: Mark) -> list[Unnoticed]:
        """Take note of what a mark says of books; returns those that are broken, as is known now.

        A snapshot that is asked for once more, for want of an answer, joins what the first was to.
        """
        match mark:
            case Lapse() if Table.BOOK in mark.tables:
                self._lapsed |= dict.fromkeys(mark.instruments, mark.to_ns)
            case Resumed(books_await=True) if Table.BOOK in mark.tables:
                late = [i for i in mark.instruments if self._lapsed.get(i) == mark.at_ns]
                self._resumed |= dict.fromkeys(late, mark.at_ns)
                return self._take_broken(late)
            case AwaitSnapshot() if mark.first_id:
                self._asked[mark.instrument] = mark.at_ns, mark.first_id
                return self._take_broken([mark.instrument])
            case Interrupted() | Retired() if Table.BOOK in mark.tables:
                for instrument in mark.instruments:
                    self._resumed.pop(instrument, None)
        return []

    def _take_broken(self, instruments: list[int]) -> list[Unnoticed]:
        found = []
        for instrument in instruments:
            since_ns = self._resumed.get(instrument)
            asked_ns, first_id = self._asked.get(instrument, (-1, 0))
            if since_ns is not None and asked_ns >= since_ns:
                del self._resumed[instrument]
                found.append(Unnoticed(instrument, since_ns, first_id))
        return found

    def clear(self) -> None:
        """A new process continues."""
        self._lapsed.clear()
        self._asked.clear()
        self._resumed.clear()

    def dump(self) -> Plain:
        """Each as a list."""
        return {
            "lapsed": [list(each) for each in self._lapsed.items()],
            "asked": [[number, *asked] for number, asked in self._asked.items()],
            "resumed": [list(each) for each in self._resumed.items()],
        }

    def load(self, state: Plain) -> None:
        """Take over the state that `dump` returned; one of an earlier version is empty."""
        self._lapsed.update(dict(state.get("lapsed", ())))
        self._asked.update((number, (at, first)) for number, at, first in state.get("asked", ()))
        self._resumed.update(dict(state.get("resumed", ())))
