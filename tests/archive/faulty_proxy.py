"""A proxy before a real S3 server: does to requests what networks and servers do to them.

It listens on loopback, in a thread.  Whatever it is not told to spoil it hands on unchanged.
"""

from __future__ import annotations

import contextlib
import enum
import http.client
import math
import threading
import time
from collections import Counter
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from urllib.parse import urlsplit

import attrs

from tests.archive.s3_servers import served

PACE_SECS = 0.002
"""Of a slow answer: between two of its pieces."""
PIECES = 20

STALL_SECS = 60.0
"""More than anybody waits for."""

_BODY = "<?xml version='1.0'?><Error><Code>{code}</Code><Message>no</Message></Error>"


class Ill(enum.Enum):
    """What becomes of a request."""

    UNANSWERED = "it is done, and the connection ends without an answer"
    FAILED_AFTER = "it is done, and the answer is 500"
    CUT_OFF = "the connection ends before anything is done"
    FLIPPED = "a bit of the object is flipped on the way"
    TRUNCATED = "the object ends early"
    TORN = "the answer ends in the middle, less long than it says"
    SLOW = "request and answer come piece by piece"
    HELD = "it is done, and nothing is answered"
    STALL = "nothing is done, and nothing is answered"
    FORBIDDEN = (403, "AccessDenied")
    TIMEOUT = (408, "RequestTimeout")
    CONFLICT = (409, "ConditionalRequestConflict")
    TOO_MANY = (429, "TooManyRequests")
    BROKEN = (500, "InternalError")
    BUSY = (503, "SlowDown")
    GONE = (404, "NoSuchBucket")


ALL = ("PUT", "GET", "HEAD", "LIST", "MAKE")
"""What is asked for: "LIST" is a GET of the bucket, and "MAKE" a PUT of it."""


@attrs.define
class Faults:
    """Which requests are spoilt.

    `done` counts what the server behind was asked, `spoilt` what was spoilt, by method.
    """

    done: Counter[str] = attrs.field(factory=Counter)
    spoilt: Counter[str] = attrs.field(factory=Counter)
    _ill: Ill | None = None
    _left: dict[str, float] = attrs.field(factory=dict)
    _lock: threading.Lock = attrs.field(factory=threading.Lock)

    def begin(self, ill: Ill, *of: str, times: float = math.inf) -> None:
        """From now on so many requests of each of these methods (none: of all)."""
        with self._lock:
            self._ill, self._left = ill, dict.fromkeys(of or ALL, times)

    def end(self) -> None:
        """From now on none."""
        with self._lock:
            self._left = {}

    def take(self, method: str) -> Ill | None:
        """What becomes of a request."""
        with self._lock:
            if self._left.get(method, 0) <= 0:
                return None
            self._left[method] -= 1
            self.spoilt[method] += 1
            return self._ill

    def pass_on(self, method: str) -> None:
        """The server behind is asked."""
        with self._lock:
            self.done[method] += 1


@contextlib.contextmanager
def proxy(address: str, faults: Faults) -> Iterator[str]:
    """The address of one before the server at `address`."""
    behind = urlsplit(address).netloc
    over = threading.Event()

    class Handler(_Handler):
        pass

    Handler.faults, Handler.behind, Handler.over = faults, behind, over
    with served(Handler) as mine:
        try:
            yield mine
        finally:
            over.set()


@attrs.frozen
class _Answer:
    status: int
    headers: list[tuple[str, str]]
    body: bytes


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # a head and a body are two packets: 40 ms
    faults: Faults
    behind: str
    over: threading.Event

    def do_PUT(self) -> None:
        self._handle()

    do_GET = do_HEAD = do_POST = do_DELETE = do_PUT  # noqa: N815

    def log_message(self, format: str, *args: object) -> None:
        """Nothing: pytest would show it."""

    def _handle(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        method = self._method()
        ill = self.faults.take(method)
        match ill:
            case Ill.STALL:
                self.over.wait(STALL_SECS)
                self.close_connection = True
                return
            case Ill.CUT_OFF:
                self.close_connection = True
                return
            case None | Ill.UNANSWERED | Ill.HELD | Ill.FAILED_AFTER | Ill.SLOW | Ill.TORN:
                pass
            case Ill.FLIPPED | Ill.TRUNCATED:
                body = _spoilt(body, ill)
            case _:
                self._refuse(ill)
                return
        self.faults.pass_on(method)
        answer = self._ask(body)
        match ill:
            case Ill.UNANSWERED | Ill.HELD:
                self.over.wait(STALL_SECS if ill is Ill.HELD else 0)
                self.close_connection = True
                return
            case Ill.FAILED_AFTER:
                self._refuse(Ill.BROKEN)
                return
            case Ill.FLIPPED | Ill.TRUNCATED if method == "GET":
                answer = attrs.evolve(answer, body=_spoilt(answer.body[::-1], ill)[::-1])
        self._answer(answer, ill)

    def _method(self) -> str:
        is_bucket = "/" not in urlsplit(self.path).path.strip("/")
        special = {"GET": "LIST", "PUT": "MAKE"}
        return special.get(self.command, self.command) if is_bucket else self.command

    def _ask(self, body: bytes) -> _Answer:
        connection = http.client.HTTPConnection(self.behind, timeout=30)
        headers = {k: v for k, v in self.headers.items() if k.lower() != "content-length"}
        connection.request(self.command, self.path, body, headers)
        got = connection.getresponse()
        data = got.read()
        connection.close()
        kept = [
            (k, v)
            for k, v in got.getheaders()
            if k.lower() not in ("connection", "transfer-encoding", "content-length")
        ]
        if self.command == "HEAD":
            kept.append(("Content-Length", got.getheader("Content-Length", "0")))
        return _Answer(got.status, kept, data)

    def _refuse(self, ill: Ill) -> None:
        status, code = ill.value
        body = _BODY.format(code=code).encode() if self.command != "HEAD" else b""
        self._answer(_Answer(int(status), [("Content-Type", "application/xml")], body), None)

    def _answer(self, answer: _Answer, ill: Ill | None) -> None:
        self.send_response(answer.status)
        for name, value in answer.headers:
            self.send_header(name, value)
        if self.command != "HEAD":
            self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        if self.command == "HEAD":
            return
        with contextlib.suppress(OSError):  # who asked may have gone
            self._body(answer, ill)

    def _body(self, answer: _Answer, ill: Ill | None) -> None:
        if ill is Ill.TORN:
            self.wfile.write(answer.body[: len(answer.body) // 2])
            self.close_connection = True
        elif ill is Ill.SLOW:
            piece = max(1, -(-len(answer.body) // PIECES))
            for start in range(0, len(answer.body), piece):
                self.wfile.write(answer.body[start : start + piece])
                self.wfile.flush()
                time.sleep(PACE_SECS)
        else:
            self.wfile.write(answer.body)


def _spoilt(data: bytes, ill: Ill) -> bytes:
    """At the end; what is read is spoilt at its beginning, so that two faults do not mend it."""
    if ill is Ill.TRUNCATED:
        return data[: len(data) // 2]
    return data[:-1] + bytes([data[-1] ^ 1]) if data else data
