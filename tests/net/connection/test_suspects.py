"""The search for what is refused among many: whom it finds, and how many requests that takes."""

from __future__ import annotations

import random
from collections.abc import Callable

import attrs
import pytest

from tests.net.connection.subscribing import A_QUOTES, A, B, C, just, subs
from tests.net.small_venue import Sharing, TinyVenue
from tick_logger.exchanges.base import Exchange, Subscription
from tick_logger.net.connection.suspects import LARGE_SAMPLE, SAMPLE, Suspects

Subs = frozenset[Subscription]


@attrs.define
class Search:
    """A venue that refuses every request with something bad in it, and whoever asks it."""

    bad: Callable[[Subscription], bool]
    reason: Callable[[Subs], str] = lambda _: "no"
    per_request: int = 100
    suspects: Suspects = attrs.field(factory=lambda: Suspects(TinyVenue()))
    granted: set[Subscription] = attrs.field(factory=set)
    refused: set[Subscription] = attrs.field(factory=set)
    requests: int = 0

    def ask(self, group: Subs) -> None:
        """One request."""
        self.requests += 1
        culprits = frozenset(filter(self.bad, group))
        if culprits:
            self.refused |= self.suspects.accuse(group, self.reason(culprits))
        else:
            self.granted |= group
            self.suspects.granted(group)

    def run(self, wanted: list[Subscription]) -> None:
        """Ask for everything, then for the suspects until none is left."""
        ordered = sorted(wanted)
        for start in range(0, len(ordered), self.per_request):
            self.ask(frozenset(ordered[start : start + self.per_request]))
        while (group := self.suspects.next(frozenset(wanted), awaiting=False)) is not None:
            self.ask(group)
        assert self.granted | self.refused == set(wanted)
        assert self.granted.isdisjoint(self.refused)


def symbols(count: int) -> list[str]:
    """So many."""
    return [f"S{number:04}" for number in range(count)]


def both(count: int) -> list[Subscription]:
    """Trades and quotes of so many symbols."""
    return [*subs(*symbols(count)), *subs(*symbols(count), feed="quotes")]


def groups(suspects: Suspects) -> list[Subs]:
    """Those to be asked for, in the order of asking if each of them is granted."""
    found = []
    left = suspects.all
    while (group := suspects.next(left, awaiting=False)) is not None:
        found.append(group)
        left -= group
    return found


# -- whom it finds ---------------------------------------------------------------------------------


def test_one_bad_symbol_among_many_is_found_by_halving() -> None:
    """On both of its channels; everybody else is granted."""
    search = Search(lambda sub: sub.symbol == "S0042")
    search.run(both(50))
    assert search.refused == {*subs("S0042"), *subs("S0042", feed="quotes")}
    assert search.requests <= 2 + 2 * 6 + 4  # by channel, halves of one of them, the other one


def test_a_refused_channel_takes_no_other_with_it() -> None:
    """The other is granted by the second request, whatever the search for the rest takes."""
    search = Search(lambda sub: sub.feed == "quotes")
    wanted = both(50)
    search.ask(frozenset(wanted))
    assert groups(search.suspects) == [
        just(*subs(*symbols(50), feed="quotes")),
        just(*subs(*symbols(50))),
    ]
    search.run(wanted)
    assert search.granted == {*subs(*symbols(50))}


def test_a_channel_that_is_refused_for_everybody_is_not_asked_for_symbol_by_symbol() -> None:
    """Two thousand symbols take hundreds of requests less than there are of them."""
    search = Search(lambda sub: sub.feed == "quotes")
    search.run(both(2000))
    assert search.refused == {*subs(*symbols(2000), feed="quotes")}
    assert search.requests < 40 + 40 + 40 + 20  # portions: all, trades, quotes, and the sample


@pytest.mark.parametrize("bad", [2, 5, 20])
def test_several_bad_symbols_are_found(bad: int) -> None:
    """Neighbours in the list, too: nobody good is taken for bad."""
    for seed in range(20):
        rng = random.Random(seed)
        names = symbols(100)
        start = rng.randrange(100 - bad)
        chosen = {*(names[start : start + bad] if seed % 2 else rng.sample(names, bad))}
        search = Search(lambda sub, chosen=chosen: sub.symbol in chosen)  # type: ignore[misc]
        search.run(subs(*names))
        assert {sub.symbol for sub in search.refused} == chosen
        assert search.requests <= 1 + 2 * bad * 7


def test_the_venues_words_shorten_the_search() -> None:
    """Who is named is asked for apart, in whatever letters and with whatever signs around."""
    search = Search(
        lambda sub: sub.symbol == "S0042",
        reason=lambda culprits: f"invalid product: 's{min(culprits).symbol[1:]}'.",
    )
    search.run(subs(*symbols(100)))
    assert (search.requests, search.refused) == (3, {*subs("S0042")})


def test_a_venue_that_names_one_of_all_that_it_refuses_does_not_lead_us_on() -> None:
    """A whole channel is given up after a few, and not after each symbol had its turn."""
    search = Search(
        lambda sub: sub.feed == "quotes",
        reason=lambda culprits: f"{min(culprits).symbol} is not available",
    )
    search.run(both(500))
    assert search.refused == {*subs(*symbols(500), feed="quotes")}
    assert search.requests < 10 + 10 + 10 + 10


def test_words_that_name_the_wrong_one_do_no_harm() -> None:
    """All the same it is found, later."""
    search = Search(lambda sub: sub.symbol == "S0042", reason=lambda _: "S0007 S0008")
    search.run(subs(*symbols(100)))
    assert search.refused == {*subs("S0042")}


def test_what_begins_and_ends_together_is_not_parted() -> None:
    """Trades and quotes of one channel are one culprit."""
    suspects = Suspects(Sharing())
    assert suspects.accuse({A, A_QUOTES, B}) == just()
    assert groups(suspects) == [{A, A_QUOTES}, {B}]
    assert suspects.is_one({A, A_QUOTES})
    assert suspects.accuse({A, A_QUOTES}) == {A, A_QUOTES}
    assert suspects.all == {B}


# -- when it gives up a channel --------------------------------------------------------------------


def culprits(suspects: Suspects, count: int, begin: int = 0) -> None:
    """So many, one after the other."""
    for sub in subs(*symbols(1000)[begin : begin + count]):
        assert suspects.accuse({sub}) == {sub}


@pytest.mark.parametrize("exchange", [TinyVenue(), Sharing()])
def test_so_many_in_a_row_are_enough_where_nobody_was_ever_granted(exchange: Exchange) -> None:
    """One less is not."""
    suspects = Suspects(exchange)
    culprits(suspects, SAMPLE - 1)
    assert suspects.accuse({A, B}) == just()
    culprits(suspects, 1, begin=900)
    assert suspects.accuse({A, B}) == {A, B}


def test_more_are_needed_where_somebody_was_granted() -> None:
    """And each grant begins the count anew."""
    suspects = Suspects(TinyVenue())
    culprits(suspects, LARGE_SAMPLE)
    suspects.granted({C})
    culprits(suspects, LARGE_SAMPLE - 1, begin=100)
    assert suspects.accuse({A, B}) == just()
    culprits(suspects, 1, begin=900)
    assert suspects.accuse({A, B}) == {A, B}


def test_one_channel_says_nothing_of_another() -> None:
    """A request for both is asked for again by channel all the same."""
    suspects = Suspects(TinyVenue())
    culprits(suspects, SAMPLE)
    quotes = subs("A", "B", feed="quotes")
    assert suspects.accuse({A, B, *quotes}) == just()
    assert groups(suspects) == [just(*quotes), {A, B}]
    assert suspects.accuse({A, B}) == {A, B}
    assert suspects.accuse(quotes) == just()


# -- its bookkeeping -------------------------------------------------------------------------------


def test_groups_are_those_of_who_asks() -> None:
    """Each connection asks for what it wants."""
    suspects = Suspects(TinyVenue())
    suspects.accuse({A, B, C})
    assert groups(suspects) == [{A, C}, {B}]
    assert suspects.next({B, C}, awaiting=False) == just(C)
    assert suspects.next({A_QUOTES}, awaiting=False) is None


def test_a_group_waits_for_the_answer_of_another() -> None:
    """It may be needless then; but not where it takes long until nobody answers."""
    suspects = Suspects(TinyVenue())
    suspects.accuse({A, B})
    assert suspects.next({A, B}, awaiting=True) is None
    suspects.accuse({A, B}, parts=2)
    assert suspects.next({A, B}, awaiting=True) == just(A)


def test_channels_that_nothing_is_known_against_go_first() -> None:
    """And what has been halved most often, among the others."""
    suspects = Suspects(TinyVenue())
    trades, quotes = subs(*"ABCD"), subs(*"ABCD", feed="quotes")
    suspects.accuse({*trades, *quotes})
    suspects.accuse(quotes)
    suspects.accuse({quotes[0], quotes[2]})
    assert groups(suspects) == [{*trades}, {quotes[0]}, {quotes[2]}, {quotes[1], quotes[3]}]


def test_a_culprits_symbol_is_suspected_elsewhere() -> None:
    """It is asked for alone, after the others of that channel."""
    suspects = Suspects(TinyVenue())
    a, b = subs("A", "B", feed="quotes")
    suspects.accuse({A, B, a, b})
    assert suspects.accuse({A}) == {A}
    assert groups(suspects) == [{b}, {a}, {B}]


def test_who_is_wanted_no_longer_is_not_suspected() -> None:
    """Nor who is granted."""
    suspects = Suspects(TinyVenue())
    suspects.accuse({A, B, C})
    suspects.keep({A, B})
    assert suspects.all == {A, B}
    suspects.granted({B})
    assert suspects.all == {A}


def test_where_nobody_answers_there_are_more_parts() -> None:
    """Of whatever channels, if there are enough for each."""
    suspects = Suspects(TinyVenue())
    suspects.accuse({A, B, A_QUOTES}, parts=5)
    assert sorted(map(len, groups(suspects))) == [1, 1, 1]
    many = subs(*symbols(10))
    suspects.accuse(many, parts=5)
    suspects.clear({A, B, A_QUOTES})
    assert [len(group) for group in groups(suspects)] == [2] * 5
