"""What happens in one story: everything that is drawn from a seed, before anything runs.

A story is a recorder's life on one directory: several processes one after the other, each with
its end, while exchanges, disk and clock have their troubles on a time line of their own.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from random import Random
from typing import Any

import attrs

from tests.fakes.clock import NOON_NS
from tests.service.world import Venue, venue
from tests.sim.said import KNOWN
from tests.sim.scale import MOST_DOWN_SECS, SHORT, Scale
from tick_logger.config.schema import MarketConfig
from tick_logger.exchanges import registry
from tick_logger.simulator.registry import DIALECTS

MIDNIGHT_NS = NOON_NS + 12 * 3600 * 10**9

ENDINGS = ("power", "power_at_start", "kill", "stop", "second_signal", "third_signal")
"""How a process ends, if it does not end by itself."""

VENUES = tuple(sorted(DIALECTS))

FEW_LEVELS, MANY_LEVELS = 5, 110
"""Of a side of a book; the many are more than some venues send."""

FEWEST_CONNECTIONS, MOST_CONNECTIONS = 16, 20
"""Two symbols, each of their four feeds on two lines; and some more."""

MOST_VENUES = 3
"""Of one story."""

EXCHANGE_TROUBLES = (
    "cuts", "closes", "half_open", "stalls", "garbage", "duplicates", "disorder", "id_holes",
    "loss", "silences", "farewells", "refused", "never_acked", "late_acks", "rest_errors",
    "all_cut", "no_dialling", "told_to_wait", "busy_closes", "ids_again",
    "odd_listings", "unlisted", "halts",
)  # fmt: skip
ODDITIES: tuple[str, ...] = (
    "feed_refused", "busy", "busy_for_some", "refused_and_closed", "lost_acks", "no_snapshots",
    "empty_sides", "bad_trades", "unknown_kinds", "old_answers", "early_answers", "odd_times",
    "venue_clock", "no_place", "odd_pages",
)  # fmt: skip
ODDITY_SHARE = 0.06
"""Of the stories, those that have each oddity beside their other troubles."""

OTHER_SHARES = {"early_answers": 0.4, "odd_pages": 0.4}
"""As `ODDITY_SHARE`: few stories have a book that is fetched by REST, or holes that are filled."""

BACKFILL_SHARE = 0.6
"""Of the venues, those whose holes are filled; at the others everything is seen as it was left."""

DISK_TROUBLES = (
    "slow_disk", "stalled_disk", "disk_full", "write_errors", "journal_write_errors",
    "column_write_errors", "file_sync_errors", "sync_errors", "folder_sync_errors",
    "truncate_errors", "read_errors", "read_only_disk", "dead_disk",
)  # fmt: skip
OTHER_TROUBLES = ("clock_forward", "clock_back", "adapter_bug", "second_process")

TWO_LINES_SHARE = 0.4
"""Of the venues of all stories."""

APART_SHARE = 0.4
"""Of the venues of all stories, those whose feeds have connections of their own."""

ENTRANCES_SHARE = 0.1
"""Of the stories, those in which a venue has another entrance, under a name of its own."""

MOVES_SHARE = 0.4
"""Of the stories, those in which symbols go from one connection to another."""

HAS_KEY_SHARE = 0.5
"""Of the stories."""

MOST_RELOADS = 6
"""Of one story."""

LATE_TROUBLES = ("loss", "loss", "stalled_disk")
"""Those of the last life: after each of them every book must mend."""

AIMS = (
    ("append", "journal/*.tlj"),
    ("sync_file", "journal/*.tlj"),
    ("sync_folder", "*"),
    ("sync", "*"),
    ("append", "journal/checkpoint.*"),
    ("sync_file", "journal/checkpoint.*"),
    ("truncate", "*"),
    ("remove", "*"),
    ("append", "*/time.*.bin"),
    ("*", "*"),
)
"""Operations on which, or shortly after which, the power may be cut."""


@attrs.frozen
class Trouble:
    """Something goes wrong from `at` on (seconds since the beginning) for so long; see `faults`.

    `size` from 0 to 1 says how badly.
    """

    at: float
    secs: float
    kind: str
    size: float


@attrs.frozen
class Life:
    """One process: what ends it after `secs`, and how long nothing runs afterwards.

    `aim` and `after` are for a power cut: the operation to wait for, and how many more to let pass.
    """

    secs: float
    ending: str
    down_secs: float = 1.0
    aim: tuple[str, str] = ("*", "*")
    after: int = 0


@attrs.frozen
class Reload:
    """From `at` on an exchange has other settings; a process that records is told to read them."""

    at: float
    exchange: str
    settings: Mapping[str, Any]


@attrs.frozen(kw_only=True)
class Story:
    """All that is to happen."""

    seed: int
    start_ns: int
    venues: tuple[Venue, ...]
    logger: Mapping[str, Any]
    segment_bytes: int | None
    lives: tuple[Life, ...]
    troubles: tuple[Trouble, ...]
    reloads: tuple[Reload, ...] = ()
    late: Trouble | None = None
    """What goes wrong in the last life, after its beginning."""
    has_key: bool = False
    """Whether the user has given a key, with which requests are signed."""
    moves_every_secs: float | None = None
    """How often it is looked whether symbols change their connection; None: as seldom as ever."""
    key_rejected_at: float | None = None
    """Since when exchanges do not accept it, until the end; None: they do."""


def draw(seed: int, scale: Scale = SHORT) -> Story:
    """The story of this seed."""
    rng = Random(f"story {seed}")
    names = _names(rng, seed)
    venues = tuple(_filled(seed, each) for each in _entered(seed, scale, names, rng))
    books = max(venue.simulated["book_levels"] for venue in venues)
    late = _late(rng, scale)
    lives = [_life(rng, scale) for _ in range(rng.randint(*scale.lives) - 1)]
    lives.append(Life(scale.healthy_secs + rng.random(), "stop"))
    troubled_secs = sum(life.secs + life.down_secs for life in lives[:-1])
    return Story(
        seed=seed,
        # A whole second would put the stops of lives on the exchanges' own steps.
        start_ns=rng.choice([NOON_NS, MIDNIGHT_NS - round(rng.uniform(0, troubled_secs) * 1e9)]),
        venues=venues,
        logger=_logger(rng, scale, late, roomy=books > FEW_LEVELS),
        segment_bytes=rng.choice([None, None, rng.randint(2_000, 30_000)]),
        lives=tuple(lives),
        troubles=_with_oddities(seed, scale, _troubles(rng, scale, troubled_secs), troubled_secs),
        # In the last life as well, but so that every book has time to begin.
        reloads=tuple(_reloads(seed, scale, venues, troubled_secs + scale.healthy_secs / 2)),
        late=late,
        moves_every_secs=_moves(seed, scale),
        **_key(seed, troubled_secs),
    )


def _moves(seed: int, scale: Scale) -> float | None:
    rng = Random(f"moves {seed}")
    return rng.uniform(*scale.moves_secs) if rng.random() < MOVES_SHARE else None


def _key(seed: int, until_secs: float) -> dict[str, Any]:
    rng = Random(f"key {seed}")
    rejected_at = rng.choice([None, 0.0, rng.uniform(0.0, until_secs)])
    return {"has_key": True, "key_rejected_at": rejected_at} if rng.random() < HAS_KEY_SHARE else {}


def _life(rng: Random, scale: Scale) -> Life:
    (ending,) = rng.choices(ENDINGS, (6, 2, 3, 3, 1, 1))
    return Life(
        secs=rng.uniform(*scale.life_secs),
        ending=ending,
        down_secs=rng.choice([0.01, rng.uniform(0, 3), rng.uniform(0, MOST_DOWN_SECS)]),
        aim=rng.choice(AIMS),
        after=rng.choice((0, 0, 1, 2, rng.randint(0, 60))),
    )


def _late(rng: Random, scale: Scale) -> Trouble | None:
    """A bad one, because all that it can break must mend."""
    kind = rng.choice(["", *LATE_TROUBLES])
    at, secs = rng.uniform(0.0, scale.late_secs), rng.uniform(0.5, 1.0) * scale.late_secs
    return Trouble(at, secs, kind, rng.uniform(0.7, 1.0)) if kind else None


def _logger(rng: Random, scale: Scale, late: Trouble | None, *, roomy: bool) -> dict[str, Any]:
    # In whole MiB for users; here a few hundred messages must be able to fill it, or what comes
    # while the disk does not answer, but not two or three alone: a snapshot for which there is
    # never room does not come to anything.
    limits_mib = [16, 16, rng.uniform(0.01, 0.1)]
    if late is not None and late.kind == "stalled_disk":
        limits_mib = [rng.uniform(0.008, 0.02)]
    linger_ms = rng.choice([0, 20, 80, 200])
    return {
        "flush_interval_secs": rng.uniform(*scale.flush_secs),
        "persist_interval_secs": rng.uniform(*scale.persist_secs),
        "checkpoint_interval_secs": rng.uniform(*scale.checkpoint_secs),
        "linger_ms": linger_ms,
        "price_dtype": rng.choice(["f4+rest", "f4", "f8"]),
        "journal_keep_hours": rng.choice([24.0, 24.0, 24.0, 0.01, 0.0]),
        "journal_keep_mib": rng.choice([1024, 1024, 1024, 0]),
        "shutdown_timeout_secs": rng.uniform(2.0, 20.0),
        "buffer_limit_mib": 16 if roomy else rng.choice(limits_mib),
    }


def _names(rng: Random, seed: int) -> list[str]:
    """The venues of a story; over many seeds each comes as often as any other."""
    (count,) = rng.choices(range(1, MOST_VENUES + 1), (1, 2, 17))
    left, names = list(VENUES), []
    for _ in range(count):
        seed, chosen = divmod(seed, len(left))
        names.append(left.pop(chosen))
        left = left[chosen:] + left[:chosen]
    return names


def _venue(rng: Random, scale: Scale, name: str) -> Venue:
    symbols = rng.choice([1, 1, 2])
    offered, feeds = registry.get(name).feeds, ["trades"]
    for feed, probability in (("ticker", 0.5), ("quotes", 0.4), ("orderbook", 0.35)):
        feeds += [feed] * (rng.random() < probability and feed in offered)
    rate = rng.uniform(*scale.messages_per_second) + DIALECTS[name].cost.steady_per_symbol
    simulated = {
        "messages_per_second": rate * symbols,
        "step_secs": rng.uniform(*scale.step_secs),
        "book_levels": rng.choice([FEW_LEVELS] * 4 + [MANY_LEVELS]),
    }
    connects, within_secs = KNOWN[name].most_connects
    config: dict[str, Any] = {
        "reconnect_initial_secs": rng.uniform(0.1, 1.0),
        "reconnect_max_secs": 5.0,
        "data_timeout_secs": scale.data_timeout_secs,
        "first_data_timeout_secs": scale.data_timeout_secs,
        "symbols_per_connection": rng.choice([0, 1, 20]),
        "max_connections": MOST_CONNECTIONS,
        "connects_per_second": connects / min(within_secs, scale.longest_secs),
    }
    if Random(f"lines {rate}").random() < TWO_LINES_SHARE:
        config["redundancy"] = 2
    if Random(f"apart {rate}").random() < APART_SHARE:
        config["feeds_per_connection"] = "apart"
    return venue(name, symbols, feeds=tuple(feeds), simulated=simulated, config=config)


def _entered(seed: int, scale: Scale, names: Sequence[str], rng: Random) -> Iterator[Venue]:
    """The venues of these names, one of them perhaps by another entrance as well."""
    for name in names:
        yield _venue(rng, scale, name)
    entrances = Random(f"entrances {seed}")
    if entrances.random() < ENTRANCES_SHARE:
        another = _venue(entrances, scale, entrances.choice(names))
        yield attrs.evolve(another, name=f"{another.name}_2", adapter=another.name)


def _filled(seed: int, chosen: Venue) -> Venue:
    """The same, and whether its holes are filled."""
    fills = Random(f"backfill {seed} {chosen.name}").random() < BACKFILL_SHARE
    return attrs.evolve(chosen, config={**chosen.config, "backfill": fills})


def _reloads(seed: int, scale: Scale, venues: Sequence[Venue], until_secs: float) -> list[Reload]:
    rng = Random(f"reloads {seed}")
    found: list[Reload] = []
    for _ in range(rng.choice([0, 0, 1, 2, 3, MOST_RELOADS])):
        soon = found[-1].at + rng.choice([0.0, rng.uniform(0, 2)]) if found else 0.0
        at = soon if soon and rng.random() < 0.3 else rng.uniform(0.0, until_secs)
        chosen = rng.choice(venues)
        found.append(Reload(at, chosen.name, _settings(rng, scale, chosen)))
    return sorted(found, key=lambda reload: reload.at)


def _settings(rng: Random, scale: Scale, chosen: Venue) -> dict[str, Any]:
    """Some of what can change while it is recorded; there is room for every symbol."""
    offered = sorted(registry.get(chosen.name).feeds)
    feeds = tuple(rng.sample(offered, rng.randint(1, len(offered))))
    few = tuple(rng.sample(offered, rng.randint(1, len(offered))))
    market = MarketConfig(symbols=chosen.symbols[:1], feeds=few)
    initial_secs = rng.uniform(0.1, 1.0)
    every = {
        "symbols": rng.choice(["all", chosen.symbols[:1], chosen.symbols[-1:]]),
        "feeds": feeds,
        "markets": rng.choice([(), (market,)]),
        "symbols_per_connection": rng.choice([0, 1, 20]),
        "max_connections": rng.choice([FEWEST_CONNECTIONS, MOST_CONNECTIONS]),
        "data_timeout_secs": scale.data_timeout_secs * rng.uniform(1.0, 1.5),
        "first_data_timeout_secs": scale.data_timeout_secs * rng.uniform(1.0, 1.5),
        "reconnect_initial_secs": initial_secs,
        "reconnect_max_secs": rng.uniform(initial_secs, 5.0),
        "backfill": rng.random() < BACKFILL_SHARE,
    }
    settings = {key: every[key] for key in every if rng.random() < 0.4}
    apart = Random(f"lines {initial_secs}")  # so that all else stays as it was without lines
    if apart.random() < 0.3:
        settings["redundancy"] = apart.choice([1, 2])
    feeds_apart = Random(f"apart {initial_secs}")
    if feeds_apart.random() < 0.3:
        settings["feeds_per_connection"] = feeds_apart.choice(["together", "apart"])
    return settings


def _with_oddities(
    seed: int, scale: Scale, troubles: Sequence[Trouble], until_secs: float
) -> tuple[Trouble, ...]:
    """The troubles, and those of each oddity, which is drawn by itself."""
    found = [*troubles]
    for kind in ODDITIES:
        rng = Random(f"{kind} {seed}")
        at, secs = rng.uniform(0.0, until_secs), rng.uniform(*scale.trouble_secs)
        if rng.random() < OTHER_SHARES.get(kind, ODDITY_SHARE):
            found.append(Trouble(at, secs, kind, rng.random()))
    return tuple(sorted(found, key=lambda trouble: trouble.at))


def _troubles(rng: Random, scale: Scale, until_secs: float) -> Sequence[Trouble]:
    groups = (EXCHANGE_TROUBLES, DISK_TROUBLES, OTHER_TROUBLES)
    found = []
    for _ in range(rng.randint(*scale.troubles)):
        (group,) = rng.choices(groups, (5, 5, 1))
        found.append(
            Trouble(
                at=rng.uniform(0.0, until_secs),
                secs=rng.uniform(*scale.trouble_secs),
                kind=rng.choice(group),
                size=rng.random(),
            )
        )
    return sorted(found, key=lambda trouble: trouble.at)
