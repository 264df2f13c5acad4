"""What a server answers is told by what it says, whatever numbers stand around it.

Real requests to a server on loopback that refuses each of them in one way.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler

import pytest

from tests.archive.kept import sha
from tests.archive.s3_servers import bucket, served
from tests.fakes.memory_store import InMemory
from tick_logger.archive.bucket import Bucket, Patience
from tick_logger.archive.object_store import StoreError, Trouble

HASTY = Patience(request_secs=30.0, retries=0)

KEYS = ("data/k", "data/symbol=403-507/date=2026-05-07/here-401.parquet", "data/status code 507")
"""The last two are quoted in what obstore says of them."""

SAID = "<Error><Code>{code}</Code><Message>status 507, 403 of 401</Message></Error>"


@contextlib.contextmanager
def refusing(status: int, code: str) -> Iterator[Bucket]:
    """A bucket of which every request is answered so."""
    body = SAID.format(code=code).encode() if code else b""

    class Handler(BaseHTTPRequestHandler):
        def do_PUT(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

        do_GET = do_HEAD = do_PUT  # noqa: N815

        def log_message(self, format: str, *args: object) -> None:
            """Nothing: pytest would show it."""

    with served(Handler) as address:
        yield bucket(address, "some", patience=HASTY)


@pytest.mark.parametrize(
    ("status", "code", "trouble"),
    [
        (404, "NoSuchKey", Trouble.ABSENT),
        (404, "", Trouble.ABSENT),
        (404, "NoSuchBucket", Trouble.NO_BUCKET),
        (403, "AccessDenied", Trouble.REFUSED),
        (403, "", Trouble.REFUSED),
        (401, "", Trouble.REFUSED),
        (400, "InvalidAccessKeyId", Trouble.REFUSED),
        (400, "ExpiredToken", Trouble.REFUSED),
        (400, "AuthorizationHeaderMalformed", Trouble.REFUSED),
        (400, "QuotaExceeded", Trouble.FULL),
        (507, "XMinioStorageFull", Trouble.FULL),
        (507, "", Trouble.FULL),
        (500, "InternalError", Trouble.UNREACHABLE),
        (503, "SlowDown", Trouble.UNREACHABLE),
        (429, "", Trouble.UNREACHABLE),
    ],
)
def test_a_refusal_is_known_by_its_status_and_code(
    status: int, code: str, trouble: Trouble
) -> None:
    """By reading and putting; a duration of 507 µs or a key with a number says nothing."""
    with refusing(status, code) as store:
        for key in KEYS:
            with pytest.raises(StoreError) as reading:
                list(store.read(key))
            with pytest.raises(StoreError) as putting:
                store.put(key, InMemory(b"rows"), sha(b"rows"), replace=True)
            assert (reading.value.trouble, putting.value.trouble) == (trouble, trouble)
        with pytest.raises(StoreError) as listing:
            list(store.list("data"))
        of_a_list = Trouble.UNREACHABLE if trouble is Trouble.ABSENT else trouble
        assert listing.value.trouble is of_a_list
