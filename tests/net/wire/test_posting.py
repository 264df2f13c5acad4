"""Posting to a secret address: a real server, over http and https, and whatever can go wrong."""

from __future__ import annotations

import http.server
import logging
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import trio
import trustme

from tick_logger.errors import ConfigError
from tick_logger.net.wire.posting import Outcome, Posting

SECRET = "T0K3N/x9"


class Hook(http.server.ThreadingHTTPServer):
    """A webhook: what it got, and what it answers."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.got: list[tuple[str, str, bytes]] = []
        self.status = 200


class _Handler(http.server.BaseHTTPRequestHandler):
    server: Hook

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.got.append((self.path, self.headers["Content-Type"], body))
        self.send_response(self.server.status)
        self.send_header("Location", "/elsewhere")
        self.send_header("Retry-After", "7")
        self.send_header("Content-Length", "4")
        self.end_headers()
        self.wfile.write(b"done")

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def serving(context: ssl.SSLContext | None = None) -> Iterator[Hook]:
    """A webhook on loopback, in a thread."""
    with Hook() as hook:
        if context is not None:
            hook.socket = context.wrap_socket(hook.socket, server_side=True)
        thread = threading.Thread(target=hook.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield hook
        hook.shutdown()
        thread.join()


def address(hook: Hook, scheme: str = "http") -> str:
    return f"{scheme}://127.0.0.1:{hook.server_port}/services/{SECRET}?key={SECRET}"


async def test_a_document_is_posted() -> None:
    """As JSON, to the whole address."""
    with serving() as hook:
        outcome = await Posting(address(hook)).post(b'{"a": 1}')
    assert (outcome.status, outcome.words) == (200, "HTTP 200 OK")
    path = f"/services/{SECRET}?key={SECRET}"
    assert hook.got == [(path, "application/json", b'{"a": 1}')]


@pytest.mark.parametrize(
    ("status", "words"),
    [(302, "HTTP 302 Found"), (404, "HTTP 404 Not Found"), (599, "HTTP 599")],
)
async def test_other_answers_are_told(status: int, words: str) -> None:
    """Redirections too, which are not followed: the secret would go elsewhere."""
    with serving() as hook:
        hook.status = status
        assert await Posting(address(hook)).post(b"{}") == Outcome(status, words, "7")
    assert len(hook.got) == 1


async def test_over_tls(tmp_path: Path) -> None:
    """With an authority of one's own; without it the certificate is the reason."""
    ca, context = trustme.CA(), ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    ca.issue_cert("127.0.0.1").configure_cert(context)
    file = tmp_path / "ca.pem"
    ca.cert_pem.write_to_path(file)
    with serving(context) as hook:
        known = await Posting(address(hook, "https"), ca_file=str(file)).post(b"{}")
        unknown = await Posting(address(hook, "https")).post(b"{}")
    assert known.status == 200
    assert unknown.status == 0
    assert unknown.words.startswith("TLS: certificate verify failed")


def test_a_file_without_certificates_is_refused(tmp_path: Path) -> None:
    """When it is built, not when somebody should have been told."""
    file = tmp_path / "ca.pem"
    file.write_text("none")
    with pytest.raises(ConfigError):
        Posting("https://127.0.0.1/", ca_file=str(file))


async def test_nobody_answers() -> None:
    """It ends, and says why."""
    (mute,) = await trio.open_tcp_listeners(0, host="127.0.0.1")
    async with mute:
        port = mute.socket.getsockname()[1]
        posting = Posting(f"http://127.0.0.1:{port}/{SECRET}", secs=0.2)
        assert await posting.post(b"{}") == Outcome(0, "no answer within 0.2 s")
    outcome = await Posting(f"http://127.0.0.1:{port}/{SECRET}").post(b"{}")
    assert outcome == Outcome(0, "TCP: Connection refused")


@pytest.mark.parametrize(
    "url",
    [
        f"http://no-such-host.invalid/{SECRET}",
        f"http://127.0.0.1:1/{SECRET}?{SECRET}",
        f"https://{SECRET.replace('/', '')}.invalid/",
        f"http://u:{SECRET.replace('/', '')}@127.0.0.1:1/",
    ],
)
async def test_the_address_is_never_shown(url: str, caplog: pytest.LogCaptureFixture) -> None:
    """Neither in the outcome nor in the lines of libraries."""
    with caplog.at_level(logging.DEBUG, logger="root"):
        posting = Posting(url)
        outcome = await posting.post(b"{}")
    assert outcome.status == 0
    assert outcome.words
    for part in (SECRET, SECRET.replace("/", ""), "invalid/"):
        assert part not in outcome.words + caplog.text + repr(posting)
