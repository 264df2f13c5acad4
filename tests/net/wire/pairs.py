"""TCP streams over loopback, and pollers that read them."""

from __future__ import annotations

import trio

from tick_logger.brake import Brake
from tick_logger.clock import SystemClock
from tick_logger.net.wire.poller import Poller
from tick_logger.net.wire.receive_times import ReceiveTimes
from tick_logger.net.wire.sockets import TcpStream


def running(nursery: trio.Nursery, coalesce_secs: float = 0.0) -> Poller:
    """A poller that runs in the nursery."""
    poller = Poller(ReceiveTimes(SystemClock(), SystemClock()), coalesce_secs)
    nursery.start_soon(poller.run)
    return poller


async def tcp_pair(
    poller: Poller | None = None, brake: Brake | None = None
) -> tuple[TcpStream, trio.SocketStream]:
    """A stream, and the other end of its connection over loopback."""
    poller = poller or Poller(ReceiveTimes(SystemClock(), SystemClock()))
    listener = (await trio.open_tcp_listeners(0, host="127.0.0.1"))[0]
    async with listener:
        port = listener.socket.getsockname()[1]
        connected = await trio.open_tcp_stream("127.0.0.1", port)
        return TcpStream(connected, poller, brake), await listener.accept()
