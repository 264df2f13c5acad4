"""A server that stands in for the recorder: it sends what a test gives it, under the same rules.

It is strict: every request that the page should not make is kept in `unexpected`, and each answer
carries the Content-Security-Policy under which the page must live.
"""

from __future__ import annotations

import json
import threading
import urllib.parse
from collections.abc import Callable
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from socket import socket
from socketserver import BaseServer
from typing import Any

import attrs

import tick_logger
from tests.ops.web.browser.documents import Document

PAGE = Path(tick_logger.__file__).parent / "ops" / "web" / "page"
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "img-src 'self' data:"
)
TYPES = {".html": "text/html", ".css": "text/css", ".js": "text/javascript"}
EVENT_SECS = 0.1  # a recorder sends every second; tests need not wait so long


@attrs.define(eq=False)
class Stub:
    """A recorder that says what `status`, `symbols` and `symbol` are at the time."""

    status: Document
    symbols: list[dict[str, str]] = attrs.Factory(list)
    symbol: Document | None = None
    refusal: str = ""  # why there is no such symbol
    token: str | None = None
    port: int = 0
    unexpected: list[str] = attrs.Factory(list)
    asked: list[str] = attrs.Factory(list)
    silent: bool = False
    _gone: threading.Event = attrs.Factory(threading.Event)
    _server: ThreadingHTTPServer | None = None
    _thread: threading.Thread | None = None

    @property
    def url(self) -> str:
        """Where the page is."""
        return f"http://127.0.0.1:{self.port}/"

    def come(self) -> None:
        """Listen, at the same address as before."""
        self._gone.clear()
        self._server = ThreadingHTTPServer(("127.0.0.1", self.port), partial(_Handler, self))
        self._server.daemon_threads = False  # so that closing waits for all of them
        self.port = self._server.server_port
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self._thread.start()

    def go(self) -> None:
        """End all connections and listen no more."""
        if self._server is None or self._thread is None:
            return
        self._gone.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
        self._server = self._thread = None

    def events(self, write: Callable[[bytes], Any]) -> None:
        """Send the status again and again until gone."""
        while not self._gone.wait(EVENT_SECS):
            if not self.silent:
                # In two lines and two parts, as an event may come.
                text = json.dumps(self.status, indent=1).replace("\n", "\ndata: ")
                whole = f": comment\nevent: other\ndata: {{}}\n\nevent: status\ndata: {text}\n\n"
                write(whole[:100].encode())
                write(whole[100:].encode())


class _Handler(BaseHTTPRequestHandler):
    """Answers the requests of one connection."""

    timeout = 5.0

    def __init__(
        self, stub: Stub, request: socket, client: tuple[str, int], server: BaseServer
    ) -> None:
        self._stub = stub  # first, because the request is answered before the other returns
        super().__init__(request, client, server)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        address = urllib.parse.urlsplit(self.path)
        self._stub.asked.append(self.path)
        query = dict(urllib.parse.parse_qsl(address.query, keep_blank_values=True))
        if address.path == "/" or address.path.startswith("/page/"):
            self._file(address.path.removeprefix("/page/").removeprefix("/") or "index.html")
        elif self._stub.token and self.headers["Authorization"] != f"Bearer {self._stub.token}":
            self._answer(401, "application/json", b"{}")
        elif address.path == "/api/events" and not query:
            self._headers(200, "text/event-stream")
            self._stub.events(self._write)
        elif address.path == "/api/symbols" and set(query) == {"q", "limit"}:
            self._json(_matching(self._stub, query["q"], int(query["limit"])))
        elif address.path == "/api/symbol" and set(query) == {"exchange", "symbol"}:
            self._symbol(query)
        else:
            self._unexpected()

    def _file(self, name: str) -> None:
        path = PAGE / name
        if path.parent == PAGE and path.is_file():
            self._answer(200, f"{TYPES[path.suffix]}; charset=utf-8", path.read_bytes())
        else:
            self._unexpected()

    def _symbol(self, query: dict[str, str]) -> None:
        found = self._stub.symbol
        if found and (found["exchange"], found["symbol"]) == tuple(query.values()):
            self._json(found)
        else:
            body = {"error": self._stub.refusal} if self._stub.refusal else {}
            self._answer(404, "application/json", json.dumps(body).encode())

    def _unexpected(self) -> None:
        self._stub.unexpected.append(self.path)
        self._answer(404, "text/plain", b"")

    def _json(self, document: Document) -> None:
        self._answer(200, "application/json", json.dumps(document).encode())

    def _answer(self, status: int, content_type: str, body: bytes) -> None:
        self._headers(status, content_type)
        self._write(body)

    def _headers(self, status: int, content_type: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Security-Policy", POLICY)
        self.send_header("X-Content-Type-Options", "nosniff")
        self.end_headers()

    def _write(self, body: bytes) -> None:
        try:
            self.wfile.write(body)
        except ConnectionError:
            self.close_connection = True  # the page was left


def _matching(stub: Stub, words: str, limit: int) -> Document:
    found = [each for each in stub.symbols if words.lower() in each["symbol"].lower()]
    return {"symbols": found[:limit], "more": len(found) > limit}
