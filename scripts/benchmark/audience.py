"""Who watches a recorder: `python -m scripts.benchmark.audience ADDRESS`, a process of its own.

Ten open status pages and a Prometheus.  A page that shows the overview asks for `/api/events` once
and for nothing more; a scrape asks for `/metrics` once a second on a connection that it keeps.
It comes and leaves when it reads a line, and speaks JSON lines on its standard output: `watching`
when every page has got its first status, then `left` with what it was told meanwhile.
"""

from __future__ import annotations

import argparse
import sys
from urllib.parse import urlsplit

import attrs
import trio

from scripts.benchmark.processes import say

PAGES = 10
SCRAPE_SECS = 1.0
READ_BYTES = 64 * 1024
STATUS = b"event: status\n"
GIVE_UP_SECS = 20.0
"""On the first answers."""
POLL_SECS = 0.01


@attrs.define
class Told:
    """What a recorder told its audience."""

    statuses: list[int] = attrs.field(factory=lambda: [0] * PAGES)  # by page
    status_bytes: int = 0
    scrapes: int = 0
    scrape_bytes: int = 0


def request(host: str, path: str, accept: str) -> bytes:
    """A question as it goes over the wire."""
    lines = [f"GET {path} HTTP/1.1", f"Host: {host}", f"Accept: {accept}", "User-Agent: bench"]
    lines += ["Accept-Encoding: gzip", "", ""]
    return "\r\n".join(lines).encode()


def marks(tail: bytes, data: bytes) -> tuple[int, bytes]:
    """How many statuses begin in the data, and what the next ones must be looked for in.

    `tail` is what was returned for the data before: a mark may be cut in two.
    """
    text = tail + data
    return text.count(STATUS), text[-(len(STATUS) - 1) :]


class Audience:
    """Watches from being made until it is cancelled."""

    def __init__(self, address: str) -> None:
        parts = urlsplit(address)
        assert parts.hostname is not None
        assert parts.port is not None
        self._host, self._port = parts.hostname, parts.port
        self.told = Told()

    async def run(self) -> None:
        """Watch until cancelled."""
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._scrape)
            for number in range(PAGES):
                nursery.start_soon(self._page, number)

    async def first_answers(self) -> None:
        """Until everybody has been told something; `SystemExit` if that takes too long."""
        with trio.move_on_after(GIVE_UP_SECS):
            while not (self.told.scrapes and all(self.told.statuses)):  # noqa: ASYNC110
                await trio.sleep(POLL_SECS)
            return
        raise SystemExit("the recorder does not answer its audience")

    async def _page(self, number: int) -> None:
        tail = b""
        async with await trio.open_tcp_stream(self._host, self._port) as stream:
            await stream.send_all(request(self._host, "/api/events", "text/event-stream"))
            while data := bytes(await stream.receive_some(READ_BYTES)):
                found, tail = marks(tail, data)
                self.told.statuses[number] += found
                self.told.status_bytes += len(data)
        raise SystemExit("the recorder ended the stream of a page")

    async def _scrape(self) -> None:
        question = request(self._host, "/metrics", "text/plain;version=0.0.4")
        async with await trio.open_tcp_stream(self._host, self._port) as stream:
            due = trio.current_time()
            while True:
                await stream.send_all(question)
                self.told.scrape_bytes += await answered(stream)
                self.told.scrapes += 1
                due += SCRAPE_SECS
                await trio.sleep_until(due)


async def answered(stream: trio.SocketStream) -> int:
    """Read one answer; how many bytes it says.  `SystemExit` unless it is 200."""
    data = b""
    while b"\r\n\r\n" not in data:
        data += await received(stream)
    head, _, body = data.partition(b"\r\n\r\n")
    lines = head.lower().split(b"\r\n")
    if b" 200" not in lines[0]:
        raise SystemExit(f"a scrape was answered with {lines[0].decode()}")
    length = int(next(line for line in lines if line.startswith(b"content-length:"))[15:])
    size = len(body)
    while size < length:
        size += len(await received(stream))
    return length


async def received(stream: trio.SocketStream) -> bytes:
    """Something; `SystemExit` at the end."""
    data = bytes(await stream.receive_some(READ_BYTES))
    if not data:
        raise SystemExit("the recorder ended the connection of a scrape")
    return data


async def hear() -> bool:
    """Wait for a line; False if there are no more."""
    return bool(await trio.to_thread.run_sync(sys.stdin.readline, abandon_on_cancel=True))


async def visits(address: str) -> None:
    """Come and leave as often as told."""
    while await hear():
        audience = Audience(address)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(audience.run)
            await audience.first_answers()
            say(watching=True)
            await hear()
            nursery.cancel_scope.cancel("told to leave")
        say(left=True, **attrs.asdict(audience.told))


def main() -> None:
    """Watch one recorder."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("address", help="such as http://127.0.0.1:9090")
    trio.run(visits, parser.parse_args().address)


if __name__ == "__main__":
    main()
