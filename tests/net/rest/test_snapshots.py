"""Snapshots of books by REST: what of an answer goes into the stream."""

from __future__ import annotations

import attrs
import trio
import trio.testing
from structlog.testing import capture_logs
from trio.testing import MockClock

from tests.net.rest.test_client import ENDPOINT, asking
from tick_logger.exchanges import registry
from tick_logger.net.rest.client import RestClient, Turn
from tick_logger.net.rest.snapshots import MAX_ATTEMPTS, SnapshotFetcher

BINANCE = registry.get("binance")
MOST = BINANCE.profile.max_answer_bytes
BOOK = b'{"lastUpdateId":7,"bids":[["1.0","2.0"]],"asks":[]}'


@attrs.define
class Asking:
    """A connection that wants a snapshot until it has one, or will get none."""

    taken: list[bytes] = attrs.field(factory=list)
    given_up: bool = False

    def awaits_snapshot(self, instrument: int) -> bool:
        return not self.taken and not self.given_up

    def expect_snapshot(self, instrument: int) -> None:
        pass

    def accepts_snapshot(self, instrument: int, snapshot_id: int) -> bool:
        return True

    def take_snapshot(self, instrument: int, snapshot_id: int, payload: bytes) -> bool:
        self.taken.append(payload)
        return True

    def no_snapshot(self, instrument: int, *, for_good: bool) -> None:
        self.given_up = for_good


class Answering(RestClient):
    """A venue whose every answer is this, which no simulated exchange would send."""

    body = b""

    async def turn(self, weight: int) -> Turn:
        async def fetch(_url: str, _headers: object) -> bytes:
            return self.body

        await super().turn(weight)
        return Turn(fetch)


async def asked(body: bytes) -> tuple[Asking, list[str]]:
    """What becomes of a wish, and why snapshots failed."""
    asker = Asking()
    async with asking() as scene, trio.open_nursery() as nursery:
        client = Answering(ENDPOINT, scene.dial, scene.client._approach, scene.client._reach)
        client.body = body
        fetcher = SnapshotFetcher(BINANCE, lambda _: client, {"BTCUSDT": 0})
        with capture_logs() as logs:
            nursery.start_soon(fetcher.run)
            fetcher.ask(asker, "BTCUSDT", 0)
            await trio.sleep(3600.0)
        nursery.cancel_scope.cancel()
    return asker, [line["reason"] for line in logs if line["event"] == "snapshot_failed"]


async def test_an_answer_larger_than_any_message_is_refused(autojump_clock: MockClock) -> None:
    """The journal could not take it, and nothing else would be recorded any more."""
    asker, reasons = await asked(BOOK.ljust(MOST + 1))
    assert asker.taken == []
    assert asker.given_up
    said = f"{MOST + 1:,} bytes in an answer, {MOST:,} are allowed"
    assert reasons == [said] * MAX_ATTEMPTS


async def test_the_largest_answer_is_taken(autojump_clock: MockClock) -> None:
    """Up to the last byte."""
    asker, reasons = await asked(BOOK.ljust(MOST))
    assert (len(asker.taken), reasons) == (1, [])
