"""Real servers that speak S3, on loopback, in threads of this process."""

from __future__ import annotations

import contextlib
import datetime
import threading
import urllib.request
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import localbucket
from moto.server import ThreadedMotoServer

from tick_logger.archive.bucket import Address, Bucket, Credentials, Patience

SERVERS = ("moto", "localbucket")


@contextlib.contextmanager
def server(name: str, folder: Path) -> Iterator[str]:
    """The address of one; `folder` is for what it keeps."""
    with _moto() if name == "moto" else _localbucket(folder) as address:
        yield address


def bucket(
    address: str, name: str = "ticks", *, prefix: str = "", region: str = "",
    patience: Patience | None = None,
) -> Bucket:  # fmt: skip
    """A bucket there, which need not be there yet; neither server looks at credentials."""
    where = Address(bucket=name, region=region or "eu-west-1", endpoint=address, prefix=prefix)
    return Bucket(where, Credentials("testing", "testing"), patience)


def take_away(kept: Bucket, key: str) -> None:
    """Delete an object, as somebody else would."""
    import obstore

    url = obstore.sign(kept._store, "DELETE", key, datetime.timedelta(seconds=60))
    urllib.request.urlopen(urllib.request.Request(url, method="DELETE")).close()


@contextlib.contextmanager
def served(handler: type[BaseHTTPRequestHandler]) -> Iterator[str]:
    """The address at which it answers, in threads."""
    running = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    running.daemon_threads = True
    thread = threading.Thread(target=running.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{running.server_port}"
    finally:
        running.shutdown()
        thread.join()
        running.server_close()


@contextlib.contextmanager
def _moto() -> Iterator[str]:
    running = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    running.start()
    try:
        host, port = running.get_host_and_port()
        yield f"http://{host}:{port}"
    finally:
        running.stop()


@contextlib.contextmanager
def _localbucket(folder: Path) -> Iterator[str]:
    folder.mkdir(exist_ok=True)

    class Handler(localbucket.S3Handler):  # type: ignore[misc]
        data_root = folder
        disable_nagle_algorithm = True  # a head and a body are two packets: 40 ms

        def log_message(self, format: str, *args: object) -> None:
            """Nothing: pytest would show it."""

    with served(Handler) as address:
        yield address
