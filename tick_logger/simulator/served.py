"""What clients meet of a venue: one port for its WebSocket and its REST, and the sessions on it.

It runs on loopback sockets or on any stream in memory, on trio's clock.

Not here: where the messages come from.
"""

from __future__ import annotations

import abc
import ssl
from collections.abc import Callable, Mapping
from functools import partial
from random import Random

import trio

from tick_logger.simulator.dialects.base import Dialect
from tick_logger.simulator.hub import Hub
from tick_logger.simulator.oddities import with_odd_entries
from tick_logger.simulator.patience import Patience
from tick_logger.simulator.server import Refusal, serve_http
from tick_logger.simulator.session import Session, SessionSettings


class ServedVenue(abc.ABC):
    """A venue that is served, whatever it says; `seed` is for the mishaps of its sessions."""

    def __init__(self, hub: Hub, dialect: Dialect, settings: SessionSettings, *, seed: int) -> None:
        self.connections_opened = 0
        self._hub = hub
        self._dialect = dialect
        self._settings = settings
        self._seed = seed
        self._patience = Patience()

    @abc.abstractmethod
    async def run_market(
        self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED
    ) -> None:
        """Let happen what clients are told of."""

    async def run(
        self,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        ssl_context: ssl.SSLContext | None = None,
        task_status: trio.TaskStatus[int] = trio.TASK_STATUS_IGNORED,
    ) -> None:
        """Run the market and serve clients, until cancelled; starts with the port."""
        async with trio.open_nursery() as nursery:
            bound = await nursery.start(
                partial(self.serve, host=host, port=port, ssl_context=ssl_context)
            )
            await nursery.start(self.run_market)
            task_status.started(bound)

    async def serve(
        self,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        ssl_context: ssl.SSLContext | None = None,
        task_status: trio.TaskStatus[int] = trio.TASK_STATUS_IGNORED,
    ) -> None:
        """Serve WebSocket and REST clients on one port until cancelled; starts with the port."""

        async def serve_socket(stream: trio.SocketStream) -> None:
            if ssl_context is None:
                await self.serve_stream(stream)
            else:
                tls = trio.SSLStream(stream, ssl_context, server_side=True, https_compatible=True)
                await self.serve_stream(tls)

        async with trio.open_nursery() as nursery:
            listeners = await nursery.start(partial(trio.serve_tcp, serve_socket, port, host=host))
            task_status.started(listeners[0].socket.getsockname()[1])

    async def serve_stream(self, stream: trio.abc.Stream) -> None:
        """Serve one client, WebSocket or REST, on any stream; closes the stream at the end."""
        await serve_http(
            stream,
            accepts=self._accepts,
            upgrade=self._upgrade,
            answer=self._answer,
            refuses=self.refusal,
        )

    def refusal(self, target: str, *, upgrade: bool) -> Refusal | None:
        """What a client gets instead of a connection, or of an answer by REST; None: nothing.

        One that comes before the time that it was told is written down.
        """
        of_past = not upgrade and self._dialect.asks_for_the_past(target)
        return self._patience.refusal(self._hub, upgrade=upgrade, of_past=of_past)

    @property
    def retry_after(self) -> str:
        """The header of the last answer by REST, if that was a refusal."""
        return self._patience.retry_after

    def forgive(self) -> None:
        """Forget who was told to wait: another client comes, who cannot know of it."""
        self._patience = Patience()

    def _accepts(self, target: str, headers: Mapping[str, str]) -> bool:
        objection = self._dialect.refuses_headers(headers)
        if objection:
            self._hub.violations.append(f"an upgrade was refused: {objection}")
        return not objection and self._dialect.accepts(target)

    async def _upgrade(self, stream: trio.abc.Stream, target: str, head: bytes) -> None:
        self.connections_opened += 1
        name = f"connection {self.connections_opened}"
        session = Session(
            self._hub, self._dialect, self._settings, name, Random(f"{self._seed}:{name}")
        )
        await session.run(stream, target, head)

    @property
    def violations(self) -> list[str]:
        """Every rule that a client broke, as text; the first thousand."""
        return self._hub.violations

    @property
    def live_sessions(self) -> int:
        """How many WebSocket connections are open, half-open ones included."""
        return len(self._hub.clients)

    # -- REST --------------------------------------------------------------------------------------

    def rest(self, target: str) -> tuple[int, bytes]:
        """Status and body of a GET, at once; the fault `rest_status` applies."""
        refusal = self.refusal(target, upgrade=False)
        if refusal is not None:
            return refusal.status, refusal.body
        return self._rest(target)

    def _rest(self, target: str) -> tuple[int, bytes]:
        """As `rest`, to what was not refused."""
        status, body = self._dialect.rest(target)
        if status == 200 and self._hub.faults.odd_listing:
            words = self._dialect.words
            body = with_odd_entries(body, words.listing_place, words.name_in_listing)
        of_past = self._dialect.asks_for_the_past(target)
        if of_past and self._hub.misses_page("truncated_probability"):
            body = body[: len(body) // 2]
        return status, body

    async def answer(self, target: str) -> tuple[int, bytes]:
        """As `rest`, after the fault `rest_hang_secs`, and as of `rest_lag_secs` before."""
        return await self._late(partial(self.rest, target))

    async def _answer(self, target: str) -> tuple[int, bytes]:
        """As `answer`, to what was not refused."""
        return await self._late(partial(self._rest, target))

    async def _late(self, answer: Callable[[], tuple[int, bytes]]) -> tuple[int, bytes]:
        await trio.sleep(self._hub.faults.rest_hang_secs)
        found = answer()
        await trio.sleep(self._hub.faults.rest_lag_secs)
        return found
