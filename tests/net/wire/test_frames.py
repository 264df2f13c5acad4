"""The splitter against wsproto as the oracle, cut anywhere, and its refusals."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st
from wsproto.frame_protocol import FrameProtocol, Opcode

from tests.net.wire.bytes_sent import data_frame
from tick_logger.model.payloads import Payloads
from tick_logger.net.wire.frames import FrameError, FrameSplitter, close_code, is_ping

LIMIT = 1 << 20


# -- what a server may send, encoded by wsproto ----------------------------------------------------

small = st.text(max_size=8)
edges = st.sampled_from([0, 1, 124, 125, 126, 127, 300, 65535, 65536, 70000]).map("x".__mul__)
fragments = st.lists(small | edges, min_size=1, max_size=4)
control = st.tuples(st.sampled_from(["ping", "pong"]), st.binary(max_size=125))
closing = st.none() | st.tuples(st.sampled_from([1000, 1001, 3000]), st.text(max_size=20))


@st.composite
def server_streams(draw: st.DrawFn) -> bytes:
    """Messages, whole or in fragments, with control frames between and within them."""
    server = FrameProtocol(client=False, extensions=[])
    stream = b""
    for message, binary in draw(st.lists(st.tuples(fragments, st.booleans()), max_size=4)):
        for number, piece in enumerate(message):
            for kind, payload in draw(st.lists(control, max_size=1)):
                stream += server.ping(payload) if kind == "ping" else server.pong(payload)
            final = number == len(message) - 1
            stream += server.send_data(piece.encode() if binary else piece, fin=final)
    if (close := draw(closing)) is not None:
        stream += server.close(*close) + data_frame(b"after the end")
    return stream


def oracle(stream: bytes) -> tuple[list[bytes], int]:
    """The messages, and the number of control frames, that wsproto's client sees."""
    client = FrameProtocol(client=True, extensions=[])
    client.receive_bytes(stream)
    messages, parts, controls = [], b"", 0
    for frame in client.received_frames():
        if frame.opcode in (Opcode.TEXT, Opcode.BINARY):
            piece = frame.payload
            assert isinstance(piece, (str, bytes, bytearray))
            parts += piece.encode() if isinstance(piece, str) else piece
            if frame.message_finished:
                messages.append(parts)
                parts = b""
        else:
            controls += 1
    return messages, controls


def split(chunks: list[bytes], limit: int = LIMIT) -> tuple[list[bytes], list[bytes]]:
    """Messages and control frames of a splitter that is given these chunks."""
    splitter = FrameSplitter(limit)
    messages: list[bytes] = []
    controls: list[bytes] = []
    for chunk in chunks:
        messages += splitter.push(chunk)
        controls += splitter.take_control()
    return messages, controls


def cut(stream: bytes, places: list[int]) -> list[bytes]:
    """The stream in pieces that end at these places."""
    bounds = [0, *sorted(place % (len(stream) + 1) for place in places), len(stream)]
    return [stream[start:stop] for start, stop in itertools.pairwise(bounds)]


@given(server_streams(), st.lists(st.integers(min_value=0, max_value=1 << 20), max_size=12))
def test_any_cuts_give_the_messages_that_wsproto_sees(stream: bytes, places: list[int]) -> None:
    """However the network cuts the stream, the same messages come out, each once and in order."""
    messages, controls = split(cut(stream, places))
    expected, expected_controls = oracle(stream)
    assert messages == expected
    assert len(controls) == expected_controls


def every_kind() -> bytes:
    """A stream with each kind of frame and of length, short enough to cut at every byte."""
    server = FrameProtocol(client=False, extensions=[])
    parts = [
        server.send_data("a"),
        server.ping(b"1"),
        server.send_data("b" * 126),
        server.send_data(b"binary"),
        server.send_data("frag", fin=False),
        server.pong(b"within"),
        server.send_data("", fin=False),
        server.send_data("ments"),
        server.send_data("", fin=True),
        server.send_data(b"\x00" * 130, fin=False),
        server.send_data(b"\xff" * 130),
        server.ping(b""),
        server.close(1001, "bye"),
    ]
    return b"".join(parts)


def test_a_cut_at_each_single_byte_changes_nothing() -> None:
    """Two reads that meet at any byte give what one read gives."""
    stream = every_kind()
    whole = split([stream])
    assert whole[0] == oracle(stream)[0]
    for place in range(1, len(stream)):
        assert split([stream[:place], stream[place:]]) == whole


def test_single_bytes_give_the_same_messages() -> None:
    """The slowest network of all: one byte per read."""
    stream = every_kind()
    assert split([bytes([byte]) for byte in stream]) == split([stream])


def test_a_64_bit_length_may_be_cut_anywhere_in_its_header() -> None:
    """The ten bytes of a long header may arrive one by one."""
    payload = bytes(70_000)
    stream = data_frame(payload)
    for place in range(1, 12):
        assert split([stream[:place], stream[place:]]) == ([payload], [])


def test_control_frames_come_out_raw_and_in_order() -> None:
    """What the library must judge is passed on byte for byte, even with reserved bits set."""
    controls = [b"\x89\x01p", b"\x8a\x00", b"\xfb\x02??", b"\x09\x00", b"\x88\x02\x03\xe8"]
    _, seen = split([data_frame(b"x").join(controls)])
    assert seen == controls


def test_pings_and_close_codes_are_recognised() -> None:
    """A ping, a close with a code, one without, one with half a code, and a pong."""
    frames = [b"\x89\x00", b"\x88\x05\x03\xe9bye", b"\x88\x00", b"\x88\x01\x03", b"\x8a\x00"]
    assert [is_ping(frame) for frame in frames] == [True, False, False, False, False]
    assert [close_code(frame) for frame in frames] == [None, 1001, 1005, 1005, None]


def test_nothing_after_a_close_frame_counts() -> None:
    """A server that goes on talking after its close frame is not listened to."""
    splitter = FrameSplitter(LIMIT)
    assert splitter.push(data_frame(b"last") + b"\x88\x00" + data_frame(b"late")) == [b"last"]
    assert splitter.push(data_frame(b"later")) == []
    assert splitter.take_control() == [b"\x88\x00"]


@pytest.mark.parametrize(
    ("stream", "cause"),
    [
        (b"\x81\x81mask!", "masked"),
        (b"\x89\x80mask", "masked"),
        (b"\xc1\x01x", "reserved"),
        (b"\x91\x01x", "reserved"),
        (b"\x83\x01x", "opcode"),
        (b"\x80\x01x", "continuation"),
        (b"\x00\x01x", "continuation"),
        (b"\x01\x01x\x81\x01y", "interleaved"),
        (b"\x01\x01x\x02\x01y", "interleaved"),
        (b"\x89\x7e", "control"),
        (b"\x81\x7e\x00\x7d", "length"),
        (b"\x81\x7e\x00\x02ab", "length"),
        (b"\x81\x7f\x00\x00\x00\x00\x00\x00\xff\xff", "length"),
        (b"\x81\x7f\x80\x00\x00\x00\x00\x01\x00\x00", "length"),
        (data_frame(b"x" * 101), "size"),
        (data_frame(b"x" * 126), "size"),
        (data_frame(b"x" * 60, final=False) + data_frame(b"x" * 41, opcode=0), "size"),
        (b"\x82\x7f\x00\x00\x00\xff\x00\x00\x00\x00", "size"),
    ],
)
def test_a_breach_is_refused_with_its_cause(stream: bytes, cause: str) -> None:
    """Each way to break the rules has a word, in one read or byte by byte."""
    for chunks in ([stream], [bytes([byte]) for byte in stream]):
        with pytest.raises(FrameError) as caught:
            split(chunks, limit=100)
        assert caught.value.cause == cause


def test_a_message_of_exactly_the_limit_is_taken() -> None:
    """The limit is inclusive, over the sum of the fragments."""
    parts = data_frame(b"x" * 60, final=False) + data_frame(b"x" * 40, opcode=0)
    assert split([parts], limit=100) == ([b"x" * 100], [])


def test_a_size_over_the_limit_is_refused_before_its_payload_comes() -> None:
    """A header that announces too much is enough; none of the payload need be collected."""
    splitter = FrameSplitter(1000)
    with pytest.raises(FrameError, match=f"{1 << 40} bytes"):
        splitter.push(b"\x81\x7f" + (1 << 40).to_bytes(8, "big"))


def test_messages_before_a_breach_are_kept() -> None:
    """What was complete before the breach was received, and is handed over with the error."""
    splitter = FrameSplitter(LIMIT)
    with pytest.raises(FrameError) as caught:
        splitter.push(data_frame(b"good") + b"\x83\x00" + data_frame(b"ignored"))
    assert caught.value.messages == [b"good"]


def test_after_a_breach_nothing_is_taken_any_more() -> None:
    """The same cause again, and no messages."""
    splitter = FrameSplitter(LIMIT)
    for stream in (b"\x83\x00", data_frame(b"late")):
        with pytest.raises(FrameError) as caught:
            splitter.push(stream)
    assert (caught.value.cause, list(caught.value.messages)) == ("opcode", [])


class CountingSplitter(FrameSplitter):
    """Counts the bytes that are looked at, which are also those that are copied."""

    looked_at = 0

    def _split(self, data: bytes, parts: list[Payloads]) -> None:
        self.looked_at += len(data)
        super()._split(data, parts)


def test_a_large_message_in_small_reads_costs_linear_work() -> None:
    """5 MB in reads of 16 KiB: looked at when the header is there, and when all is there."""
    payload = bytes(5_000_000)
    stream = data_frame(payload)
    splitter = CountingSplitter(16 << 20)
    size = 16 << 10
    chunks = [stream[start : start + size] for start in range(0, len(stream), size)]
    messages = [message for chunk in chunks for message in splitter.push(chunk)]
    assert messages == [payload]
    assert splitter.looked_at == size + len(stream)


def test_a_large_message_in_small_fragments_costs_linear_work() -> None:
    """1 MB in 10,000 fragments: no byte is looked at twice."""
    fragment = data_frame(bytes(100), opcode=0, final=False)
    stream = data_frame(bytes(100), final=False) + fragment * 9_998
    splitter = CountingSplitter(LIMIT)
    assert splitter.push(stream) == []
    assert splitter.push(data_frame(bytes(100), opcode=0)) == [bytes(1_000_000)]
    assert splitter.looked_at == len(stream) + 102
