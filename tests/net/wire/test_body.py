"""Bodies of HTTP answers: what is taken of them, in how large steps, and what is refused."""

from __future__ import annotations

import gzip
import io
import zlib
from itertools import pairwise

import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st

from tests.net.wire.test_dial import answering, get_failure, server
from tick_logger.clock import SystemClock
from tick_logger.net.wire import dial as dial_module
from tick_logger.net.wire.body import STEP_BYTES, BadBodyError, Body
from tick_logger.net.wire.dial import HttpAnswer, NetworkDial

MIB = 1024 * 1024


def bomb(mib: int) -> bytes:
    """So many MiB of zeros, compressed without ever being there."""
    out = io.BytesIO()
    with gzip.GzipFile(fileobj=out, mode="wb", compresslevel=9, mtime=0) as file:
        for _ in range(mib):
            file.write(bytes(MIB))
    return out.getvalue()


def taken(encoding: str, chunks: list[bytes], most_bytes: int = MIB) -> tuple[bytes, int]:
    """What is made of a body, and in how many steps."""
    body, steps = Body(encoding, most_bytes), 0
    for chunk in chunks:
        for _ in body.take(chunk):
            steps += 1
    if body.complaint:
        raise BadBodyError(body.complaint)
    return body.whole, steps


def encoded(data: bytes, encoding: str) -> bytes:
    return data if encoding in ("", "identity") else gzip.compress(data)


@given(
    st.binary(max_size=5_000),
    st.sampled_from(["", "identity", "gzip", "x-gzip", " GZIP "]),
    st.lists(st.integers(0, 5_000), max_size=5),
)
def test_whatever_its_pieces_are(data: bytes, encoding: str, cuts: list[int]) -> None:
    """The whole is what was sent."""
    sent = encoded(data, encoding)
    ends = [0, *sorted(min(cut, len(sent)) for cut in cuts), len(sent)]
    chunks = [sent[a:b] for a, b in pairwise(ends)]
    assert taken(encoding, chunks)[0] == data


@pytest.mark.parametrize("mib", [3, 40])
def test_steps_are_small(mib: int) -> None:
    """However much a few bytes become."""
    data, steps = taken("gzip", [bomb(mib)], mib * MIB)
    assert data == bytes(mib * MIB)
    assert steps >= mib * MIB // STEP_BYTES


@pytest.mark.parametrize(
    ("encoding", "sent", "words"),
    [
        ("gzip", bomb(2), "over 1048576 bytes of body"),
        ("", bytes(MIB + 1), "over 1048576 bytes of body"),
        ("gzip", gzip.compress(b"whole")[:-3], "its compressed end is missing"),
        ("gzip", b"no gzip at all, but long enough", "it cannot be decompressed"),
        ("gzip", zlib.compress(b"another format"), "it cannot be decompressed"),
        ("gzip", gzip.compress(b"a") + gzip.compress(b"b"), "something comes behind"),
        ("gzip, gzip", gzip.compress(gzip.compress(b"a")), "its encoding is 'gzip, gzip'"),
        ("deflate", zlib.compress(b"a"), "its encoding is 'deflate', and gzip was asked for"),
        ("br", b"x", "its encoding is 'br'"),
        ("zstd", b"x", "its encoding is 'zstd'"),
        (f"{'gzip, ' * 1000}gzip", b"x", "its encoding is 'gzip, gzip"),
    ],
    ids=["bomb", "large", "cut", "none", "zlib", "two", "twice", "deflate", "br", "zstd", "long"],
)
def test_what_is_refused(encoding: str, sent: bytes, words: str) -> None:
    """In words that say which it is."""
    with pytest.raises(BadBodyError, match=words):
        taken(encoding, [sent])


# -- over sockets ----------------------------------------------------------------------------------


def reply(encoding: bytes, body: bytes) -> bytes:
    length = b"Content-Length: %d" % len(body)
    return b"HTTP/1.1 200 OK\r\nContent-Encoding: %b\r\n%b\r\n\r\n%b" % (encoding, length, body)


async def test_a_compressed_answer() -> None:
    """What is asked for is given, and an encoding is asked for."""
    heard: list[bytes] = []

    async def tell(stream: trio.abc.Stream) -> None:
        heard.append(bytes(await stream.receive_some(65_536)))
        await stream.send_all(reply(b"gzip", gzip.compress(b"[1]")))

    async with server(tell) as place, NetworkDial(SystemClock()) as dial:
        assert await dial.get(f"http://{place}/list") == HttpAnswer(200, b"[1]")
    assert b"accept-encoding: gzip\r\n" in heard[0].lower()


@pytest.mark.parametrize(
    ("encoding", "layers", "words"),
    [
        (b"gzip", 1, "over 16777216 bytes of body"),
        (b"gzip, gzip", 2, "its encoding is 'gzip, gzip', and gzip was asked for"),
        (b"gzip, gzip, gzip", 3, "its encoding is 'gzip, gzip, gzip', and gzip was asked for"),
        (b"br, gzip", 2, "its encoding is 'br, gzip', and gzip was asked for"),
    ],
)
async def test_a_bomb_holds_up_nobody(
    monkeypatch: pytest.MonkeyPatch, encoding: bytes, layers: int, words: str
) -> None:
    """Others have many turns while it is decoded, and it is given up at its bound."""
    monkeypatch.setattr(dial_module, "MAX_BODY_BYTES", 16 * MIB)
    body = bomb(512)
    for _ in range(layers - 1):
        body = gzip.compress(body)
    turns = 0

    async def count() -> None:
        nonlocal turns
        while True:
            await trio.lowlevel.checkpoint()
            turns += 1

    async with (
        server(answering(reply(encoding, body))) as place,
        NetworkDial(SystemClock()) as dial,
        trio.open_nursery() as nursery,
    ):
        nursery.start_soon(count)
        said = await get_failure(dial, f"http://{place}/list")
        nursery.cancel_scope.cancel()
    assert said == f"http://{place}/list: {words}"
    assert turns >= 16 * MIB // STEP_BYTES or layers > 1
