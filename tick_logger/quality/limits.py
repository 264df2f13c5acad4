"""From when on something looks wrong.

A false alarm is worse than none: each limit lies well beyond what exchanges send in their rough
hours, and well before what nobody would believe.  Shares are of a price; times of receipt.
"""

from __future__ import annotations

from tick_logger.model.times import NS_PER_SECOND

OUTSIDE_SHARE = 0.05
"""A trade so far beyond the quotes.  A large order eats its way through thin books by a few
per cent before the next quote shows it."""

OUTSIDE_SPREADS = 3.0
"""… or so many times their own range, if that is more: where nobody quotes narrowly, prices are
wherever somebody takes them."""

QUOTE_HOLDS_NS = 5 * NS_PER_SECOND
"""Quotes older than that are no measure: they may have stopped while trades go on."""

JUMP_SHARE = 0.05
"""From one trade to the next.  Liquid markets move so far in minutes, at the wildest."""

JUMP_TIMES = 30.0
"""… and so many times the usual move: where each trade is some per cent from the one before, that
is what it is like there."""

JUMP_MOVES = 20
"""Moves that must be known before one is judged: fewer do not tell what is usual."""

MOVES_REMEMBERED = 200
"""The usual move is about that of so many: minutes in a busy market, a day in a quiet one."""

MOVE_AT_MOST = 3.0
"""Times the usual move, as much as one move counts: a wrong price must not become usual."""

JUMP_WITHIN_NS = 60 * NS_PER_SECOND
"""Between two trades (their own times); over a longer silence any price may come of it."""

APART_SHARE = 0.05
"""From the middle of the other exchanges.  Arbitrage closes less within seconds; where nothing can
be moved in or out, more may last, and is what a reader must know of."""

APART_WITHIN_NS = 10 * NS_PER_SECOND
"""Prices received longer ago are not compared."""

APART_LOOKS = 10
"""Looks at which an instrument must have agreed with the others before it may be found apart: what
never did is another thing of the same name."""

MOST_EXCHANGES = 32
"""Instruments of one pair that are compared; there are not half as many exchanges."""

BACKWARDS_NS = 10 * NS_PER_SECOND
"""A time so far before the newest of its stream.  Messages overtake each other by less."""

QUIET_NS = 10 * NS_PER_SECOND
"""Without another row of its kind, a doubt is over."""

LONGEST_NS = 300 * NS_PER_SECOND
"""A doubt that lasts is written in pieces, so that who reads meanwhile learns of it, and a crash
costs little."""
