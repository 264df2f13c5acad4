"""What was received can be taken apart into what was sent."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tick_logger.model.entries import Received, joined


def received(reads: list[list[bytes]]) -> Received:
    """These payloads by read; read n came at 100 + n."""
    lengths, payloads = joined([payload for read in reads for payload in read])
    return Received(
        exchange="venue",
        connections=("1.1",) * len(reads),
        recv_ns=np.arange(100, 100 + len(reads), dtype=np.int64),
        counts=np.array([len(read) for read in reads], np.uint32),
        lengths=lengths,
        payloads=payloads,
    )


@given(st.lists(st.lists(st.binary(max_size=9), max_size=4), max_size=4))
def test_payloads_come_apart_as_they_were_joined(reads: list[list[bytes]]) -> None:
    """Empty ones and empty reads included."""
    assert received(reads).split() == [payload for read in reads for payload in read]


def test_each_payload_has_the_receive_time_of_its_read() -> None:
    """In the order of the payloads; a read may have brought none."""
    entry = received([[b"a", b"b"], [], [b"c"]])
    assert entry.recv_ns_of_payloads().tolist() == [100, 100, 102]
    assert entry.recv_ns_of_payloads().dtype == np.int64


def test_lengths_are_of_the_type_that_is_stored() -> None:
    """Four bytes a payload; also if there is none."""
    lengths, payloads = joined([b"abc", b"", b"de"])
    assert (lengths.tolist(), payloads) == ([3, 0, 2], b"abcde")
    assert lengths.dtype == np.uint32
    assert joined([])[0].dtype == np.uint32
