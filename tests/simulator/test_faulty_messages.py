"""Messages that are garbage, twice there, out of order or lost: as the faults say, no others."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
import trio
from trio.testing import MockClock

from tests.simulator.clients import connect, exchange, messages, send, texts
from tests.simulator.faulty import BTC, TRADES, binance, ids, running
from tick_logger.simulator.faults import FaultCounts, Faults
from tick_logger.simulator.session import Session


def payloads(name: str, faults: Faults, seed: int = 0) -> tuple[list[str | bytes], int]:
    """What a client gets in a run of its own, and how much of it was garbage."""
    channels = ["ticker", "matches", "heartbeat", "level2_batch", "status"]
    streams = [f"btcusdt@{kind}" for kind in ("trade", "bookTicker", "ticker", "depth@100ms")]
    requests: dict[str, tuple[str, dict[str, Any]]] = {
        "coinbase": ("/", {"type": "subscribe", "channels": channels, "product_ids": ["BTC-USD"]}),
        "binance": ("/stream", {"method": "SUBSCRIBE", "params": streams, "id": 1}),
    }
    resource, request = requests[name]

    async def main() -> list[str | bytes]:
        async with trio.open_nursery() as nursery:
            served = exchange(name, seed=seed, faults=faults, messages_per_second=300.0)
            counts.append(served.counts)
            await nursery.start(served.run_market)
            await trio.sleep(0.005)
            connection = await connect(nursery, served, resource)
            await send(connection, request)
            got = await texts(connection, 8.0)
            nursery.cancel_scope.cancel()
        return got

    counts: list[FaultCounts] = []
    got = trio.run(main, clock=MockClock(autojump_threshold=0))
    return got, counts[0].garbage


@pytest.mark.parametrize("name", ["coinbase", "binance"])
def test_garbage_comes_beside_real_messages(name: str) -> None:
    """Every kind comes, and without it the messages are those of an honest run."""
    honest, _ = payloads(name, Faults())
    mixed, sent = payloads(name, Faults(garbage_probability=0.3))
    bad = [each for each in mixed if each not in set(honest)]
    assert [each for each in mixed if each in set(honest)] == honest
    assert len(bad) == sent > 50
    assert any(isinstance(each, bytes) for each in bad)
    for mark in ("<html>", "[" * 5000, "tomorrow"):
        assert any(mark in each for each in bad if isinstance(each, str))
    assert any(re.search(r"\b[0-9]{26}\b", each) for each in bad if isinstance(each, str))
    assert any(not is_json(each) for each in bad if "<html>" not in str(each))
    assert any(is_json(each) and ('"seven"' in str(each) or '"t":"x"' in str(each)) for each in bad)


def is_json(text: str | bytes) -> bool:
    """Whether it can be parsed, depth aside."""
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


@pytest.mark.parametrize("name", ["coinbase", "binance"])
def test_equal_seeds_give_equal_payloads(name: str) -> None:
    """To the byte and in order, faults included; other seeds give others."""
    faults = Faults(
        garbage_probability=0.1,
        duplicate_probability=0.1,
        reorder_probability=0.1,
        id_hole_probability=0.1,
        cut_after_secs=(4.0, 6.0),
    )
    first = payloads(name, faults, seed=7)
    assert len(first[0]) > 100
    assert payloads(name, faults, seed=7) == first
    assert payloads(name, faults, seed=8) != first


async def test_duplicates_are_whole_repetitions(
    autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    """Half of the messages come twice in a row; none is missing."""
    served = binance(duplicate_probability=0.5)
    got = ids(await messages(await running(nursery, served), 20.0))
    once = list(dict.fromkeys(got))
    assert once == list(range(got[0], got[0] + len(once)))
    assert len(got) - len(once) == served.counts.duplicated
    assert 0.3 < served.counts.duplicated / len(once) < 0.7
    assert got == sorted(got)


async def test_reordered_messages_come_after_their_successor(
    autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    """Neighbours are swapped, nothing is lost, and nothing moves farther than one place."""
    served = binance(reorder_probability=0.3)
    got = ids(await messages(await running(nursery, served), 20.0))
    in_order = sorted(got)
    assert in_order == list(range(in_order[0], in_order[0] + len(got)))
    moves = {abs(one - two) for one, two in zip(got, in_order, strict=True)}
    assert moves == {0, 1}
    assert served.counts.reordered > 10


async def test_what_is_held_back_comes_after_an_answer_too(
    autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    """An answer is a message like any other: the one held back comes right behind it."""
    served = binance(reorder_probability=1.0)
    connection = await connect(nursery, served, TRADES)
    served.step_once(1.0)
    (session,) = served._hub.clients
    assert isinstance(session, Session)
    assert session._delivery._held, "an odd number of trades"
    await send(connection, {"method": "LIST_SUBSCRIPTIONS", "id": 7})
    got = await messages(connection, 1.0)
    assert [each.get("id") for each in got[-2:]] == [7, None]
    numbers = sorted(each["t"] for each in got if "t" in each)
    assert numbers == [each.trade_id for each in served.truth.sent(BTC)]


async def test_lost_messages_are_kept_from_one_session(
    autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    """The venue knows nothing of it, another session gets it, and the exchange tells which."""
    served = binance(lose_probability=0.2)
    first, second = [await connect(nursery, served, TRADES) for _ in range(2)]
    await nursery.start(served.run_market)
    got = [set(ids(await messages(each, 20.0))) for each in (first, second)]
    sent = {each.trade_id for each in served.truth.sent(BTC)}
    assert served.truth.withheld(BTC) == []
    lost = {name: set[int]() for name in ("connection 1", "connection 2")}
    for name, frame in served.lost:
        lost[name].add(json.loads(frame[frame.index(b"{") :])["t"])
    assert lost["connection 1"] != lost["connection 2"]
    assert sum(map(len, lost.values())) == served.counts.lost > 10
    assert got[0] == {number for number in sent if number <= max(got[0])} - lost["connection 1"]
    assert got[1] >= {number for number in sent if number <= max(got[1])} - lost["connection 2"]


async def test_id_holes_are_trades_that_nobody_is_sent(
    autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    """The truth has them as withheld; sent and withheld together are dense."""
    served = binance(id_hole_probability=0.2)
    got = ids(await messages(await running(nursery, served), 20.0))
    withheld = [each.trade_id for each in served.truth.withheld(BTC)]
    assert len(withheld) > 5
    assert not set(withheld) & set(got)
    assert got == [each.trade_id for each in served.truth.sent(BTC)][: len(got)]
    newest = [each.trade_id for each in served.truth.subscribed(BTC)]
    assert newest == list(range(newest[0], newest[0] + len(newest)))
