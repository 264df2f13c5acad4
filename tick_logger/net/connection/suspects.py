"""The search for what a venue refuses, where it only says that it refuses a request.

    a refused group -> smaller groups, each to be asked for alone -> granted: all of it is innocent
                                                                 `-> refused: smaller groups, ...
                                                                              or the culprit

A group of several channels is first asked for channel by channel, because one that is refused for
everybody is a reason to give up no other.  Then it is halved.  Short cuts keep the search from
asking for thousands of symbols one by one: symbols that the venue's words name are asked for first;
a symbol that was found to be refused on one channel is, on the others; and where so many culprits
of a channel were found in a row, with nobody granted between them, the channel is refused for all,
so that a refused group of it is not searched.

Channels of which no group was refused go first, because they have the most to lose; then the
smallest groups, because the sooner a culprit is found, the more is known of the others.

Invariant: groups have no subscription in common, and each refusal makes them smaller or finds a
culprit, so a search ends.  What begins and ends together (`Exchange.together`) stays together.

Pure.  Not here: requests and answers (`subscriptions`), what becomes of culprits (`refusals`).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Set

import attrs

from tick_logger.exchanges.base import Exchange, Subscription

SAMPLE = 3
"""So many culprits in a row are no accident, on a channel that nobody was granted: they come from
all over its symbols."""

LARGE_SAMPLE = 10
"""The same, on a channel that somebody was granted before."""

Group = frozenset[Subscription]


@attrs.frozen
class _Suspected:
    """A group, how often it was halved, and whether it need not wait for the answers of others."""

    group: Group
    channels: frozenset[str]
    halved: int = 0
    at_once: bool = False


class Suspects:
    """Subscriptions of one exchange of which some are refused, in groups."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self._suspected: list[_Suspected] = []
        self._culprits: Counter[str] = Counter()  # by channel, since somebody was granted
        self._granted: set[str] = set()  # channels
        self._doubtful: set[str] = set()  # channels of which a group was refused

    @property
    def all(self) -> Group:
        """Whatever is suspected."""
        return frozenset().union(*(each.group for each in self._suspected))

    def next(self, among: Set[Subscription], *, awaiting: bool) -> Group | None:
        """The group of these that is to be asked for now; None if there is none.

        Nor is there if it is better to wait because others are `awaiting` their answer, which may
        tell of this one.
        """
        mine = [each for each in self._suspected if each.group & among]
        if not mine:
            return None
        first = min(mine, key=self._turn)
        return None if awaiting and not first.at_once else first.group & among

    def accuse(self, refused: Iterable[Subscription], reason: str = "", parts: int = 0) -> Group:
        """A request for these was refused: make smaller groups.

        Returns those of which it is certain by now that they are refused.  With `parts` the request
        was ignored; then there are so many groups, because it is dear to wait for each answer.
        """
        group = frozenset(refused)
        halved = 1 + max((each.halved for each in self._suspected if each.group & group), default=0)
        self.clear(group)
        units = self._units(group)
        channels = sorted({self._channel(unit) for unit in units})
        if len(channels) == 1:
            self._doubtful.add(channels[0])
        if len(units) == 1:
            self._culprits[channels[0]] += 1
            self._take_out(min(group).symbol)
            return group
        if len(channels) > 1 and len(units) > max(2, parts):
            by_channel = [_joined(u for u in units if self._channel(u) == c) for c in channels]
            self._suspect(by_channel, halved=0, at_once=parts > 0)
        elif all(self._is_for_nobody(channel) for channel in channels):
            return group
        elif named := _named(units, reason):
            self._suspect(named, halved=halved, at_once=False)
        else:
            # Each part is from all over the list, so that neighbours, which may be alike, part.
            count = min(max(2, parts), len(units))
            smaller = [_joined(units[begin::count]) for begin in range(count)]
            self._suspect(smaller, halved=halved, at_once=parts > 0)
        assert group <= self.all, "nobody gets out of a search unasked"
        return frozenset()

    def granted(self, subscriptions: Iterable[Subscription]) -> None:
        """These are live: they are innocent, and their channels are not refused for everybody."""
        innocent = frozenset(subscriptions)
        self.clear(innocent)
        channels = {self._channel(frozenset((sub,))) for sub in innocent}
        self._granted |= channels
        self._doubtful -= channels
        for channel in channels:
            del self._culprits[channel]

    def clear(self, subscriptions: Set[Subscription]) -> None:
        """These are suspected no longer."""
        if self._suspected:
            left = (attrs.evolve(e, group=e.group - subscriptions) for e in self._suspected)
            self._suspected = [each for each in left if each.group]

    def keep(self, wanted: Set[Subscription]) -> None:
        """Nothing else is wanted any more."""
        self.clear(self.all - wanted)

    def is_one(self, group: Set[Subscription]) -> bool:
        """Whether these can only be granted or refused together."""
        return len(self._units(frozenset(group))) == 1

    def _turn(self, each: _Suspected) -> tuple[bool, int]:
        """What comes first is the least."""
        return each.channels <= self._doubtful, -each.halved

    def _suspect(self, groups: Iterable[Group], *, halved: int, at_once: bool) -> None:
        for group in groups:
            channels = frozenset(map(self._channel, self._units(group)))
            self._suspected.append(_Suspected(group, channels, halved, at_once))

    def _is_for_nobody(self, channel: str) -> bool:
        sample = LARGE_SAMPLE if channel in self._granted else SAMPLE
        return self._culprits[channel] >= sample

    def _units(self, group: Group) -> list[Group]:
        """What can only be granted or refused as a whole, in order."""
        units = {self._exchange.together(sub) & group for sub in group}
        return sorted(units, key=min)

    def _channel(self, unit: Group) -> str:
        """A name for what serves the feed, or the feeds, of one unit."""
        return min(sub.feed for sub in self._exchange.together(min(unit)))

    def _take_out(self, symbol: str) -> None:
        """Ask for this symbol apart from the others that are suspected with it, and after them."""
        others, apart = [], []
        for each in self._suspected:
            mine = frozenset(sub for sub in each.group if sub.symbol == symbol)
            others.append(attrs.evolve(each, group=each.group - mine))
            apart.append(attrs.evolve(each, group=mine))
        self._suspected = [each for each in (*others, *apart) if each.group]


def _joined(units: Iterable[Group]) -> Group:
    return frozenset().union(*units)


def _named(units: list[Group], reason: str) -> list[Group]:
    """The units whose symbol occurs in the venue's words, and the others; empty if there are none.

    A venue may name one symbol of many, though all are refused: so that one is asked for first.
    """
    words = {word.rstrip(".") for word in re.split(r"[\s,;:!?'\"()\[\]{}]+", reason.upper())}
    named = [unit for unit in units if min(unit).symbol.upper() in words]
    others = [unit for unit in units if unit not in named]
    return [_joined(named), _joined(others)] if named and others else []
