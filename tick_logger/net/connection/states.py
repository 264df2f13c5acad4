"""Where a subscription may stand on a connection, and how it moves from one state to another.

    a subscription is   until                                  and then
    UNWANTED            it is wanted                           MISSING
    MISSING             its request is sent                    ASKED
    ASKED               it is granted, or delivers data        LIVE
                        it is refused                          REFUSED
                        its request is refused                 MISSING, and under suspicion
                        the deadline has passed                MISSING, at most MAX_ATTEMPTS times
    LIVE                it is to be renewed                    RENEWING
                        it is wanted no longer                 ENDING
    RENEWING            its end is sent                        MISSING
    ENDING              its end is sent                        UNWANTED
                        it is wanted again                     LIVE
    REFUSED             the venue is less busy                 MISSING
                        it is granted, or delivers data        LIVE

Whatever is wanted no longer is UNWANTED at once if it is not live.  A late answer makes LIVE, or
REFUSED, what is MISSING by then.  `MOVES` has every way from one state to another.

Not here: what makes it move (`subscriptions`).
"""

from __future__ import annotations

import enum
from collections.abc import Mapping

import attrs

from tick_logger.exchanges.base import Subscription


class State(enum.Enum):
    """Where one subscription stands on a connection."""

    UNWANTED = "not wanted, and not delivered"
    MISSING = "wanted, and to be asked for"
    ASKED = "wanted, and awaits an answer"
    LIVE = "wanted, and granted"
    RENEWING = "wanted and granted, and to be ended in order to begin anew"
    ENDING = "granted, but not wanted: to be ended"
    REFUSED = "wanted, and refused or never answered"


_S = State
MOVES: Mapping[State, frozenset[State]] = {
    # An answer may be on its way; and what another connection has learned is known here.
    _S.UNWANTED: frozenset({_S.MISSING, _S.ASKED, _S.ENDING, _S.REFUSED}),
    _S.MISSING: frozenset({_S.ASKED, _S.LIVE, _S.REFUSED, _S.UNWANTED}),
    _S.ASKED: frozenset({_S.LIVE, _S.REFUSED, _S.MISSING, _S.UNWANTED}),
    _S.LIVE: frozenset({_S.RENEWING, _S.ENDING, _S.MISSING}),  # wanted again as its end was sent
    _S.RENEWING: frozenset({_S.MISSING, _S.ASKED, _S.ENDING}),  # asked at once where that replaces
    _S.ENDING: frozenset({_S.UNWANTED, _S.LIVE}),
    _S.REFUSED: frozenset({_S.MISSING, _S.LIVE, _S.UNWANTED}),
}
"""The states that may follow each state by one call."""


@attrs.frozen
class Settled:
    """What an answer, or its absence, changed."""

    live: tuple[Subscription, ...] = ()
    retried: tuple[Subscription, ...] = ()
    refused: tuple[tuple[Subscription, str], ...] = ()
    postponed: tuple[tuple[Subscription, str], ...] = ()
    """What the venue is too busy for, and is asked for once more after `wait_secs`."""
    wait_secs: float = 0.0
