"""Compares the compiled core with the adapters that do without it, over mutated messages.

Whatever the core takes of a message that no venue has sent, the adapter must take too, and say the
same, byte for byte; and frames must come apart as they do without it.  `scripts/fuzz` runs this
with a core that was built with sanitizers, which end it at the first wrong access to memory.
"""

from __future__ import annotations

import argparse
import itertools
import random
import sys
import time
from collections.abc import Iterator, Sequence

import attrs
import numpy as np

from tests.core.both_ways import shapes_of, without_core
from tests.core.mutating import mutated
from tests.exchanges.said import AnySymbol, by_frame
from tests.exchanges.samples import SAMPLES
from tests.net.wire.bytes_sent import data_frame
from tests.recordings import RECORDINGS, captures, frames
from tick_logger import core
from tick_logger.exchanges import registry
from tick_logger.exchanges.base import Decoded, DecodedRows, Exchange
from tick_logger.net.wire.frames import FrameError, FrameSplitter

BATCH = 2_000
PER_CAPTURE = 150
MOST_BYTES = 1_500
"""Of a message: long ones are books, in which all levels are alike."""
LIMIT = 1 << 16
EACH_FRAMES = 200
"""So many messages are mutated for each stream of frames."""


@attrs.define
class Tally:
    """What has been tried so far."""

    mutations: int = 0
    taken: int = 0


class Difference(Exception):
    """The core says something else."""


def sent(exchange: Exchange) -> list[bytes]:
    """Messages to begin with: the samples, and some of each recording."""
    found = list(SAMPLES[exchange.name].values())
    for name in captures(exchange.name.partition("_linear")[0]) if RECORDINGS.is_dir() else ():
        short = [each for each in frames(name) if len(each) <= MOST_BYTES]
        found += short[:: len(short) // PER_CAPTURE + 1]
    return found


def compare(exchange: Exchange, payloads: Sequence[bytes]) -> int:
    """How many of these the core takes; raises `Difference` if it makes something else of one."""
    left: list[bytes] = []

    def nothing(some: Sequence[bytes]) -> Decoded:
        left.extend(some)
        return Decoded()

    symbols = AnySymbol()
    fast = shapes_of(exchange).read(nothing, payloads, symbols)
    waiting = iter(left)
    next_left = next(waiting, None)
    taken: list[int] = []  # what is left comes in order
    for place, payload in enumerate(payloads):
        if payload is next_left or payload == next_left:
            next_left = next(waiting, None)
        else:
            taken.append(place)
    assert next_left is None, "what is left is among what was given, in order"
    if not taken:
        return 0
    with without_core():
        slow = exchange.decode([payloads[place] for place in taken], symbols).moved(taken)
    if not is_same(fast, slow):
        one, other = by_frame(fast), by_frame(slow)
        differ = [place for place in taken if one.get(place) != other.get(place)]
        shown = [(payloads[place], one.get(place), other.get(place)) for place in differ[:3]]
        raise Difference(f"{exchange.name}: payload, with the core, without: {shown}")
    return len(taken)


def is_same(one: Decoded, other: Decoded) -> bool:
    """Byte for byte, in the same order."""
    return (
        [part.table for part in one.rows] == [part.table for part in other.rows]
        and all(_are_same(a, b) for a, b in zip(one.rows, other.rows, strict=True))
        and (one.events, one.bad, one.lost) == (other.events, other.bad, other.lost)
        and (one.unknown, one.untimed) == (other.unknown, other.untimed)
        and (one.counted is None) == (other.counted is None)
        and (
            one.counted is None
            or other.counted is None
            or (
                np.array_equal(one.counted.frame, other.counted.frame)
                and np.array_equal(one.counted.number, other.counted.number)
            )
        )
    )


def _are_same(one: DecodedRows, other: DecodedRows) -> bool:
    return (
        np.array_equal(one.frame, other.frame)
        and one.columns.keys() == other.columns.keys()
        and all(
            one.columns[name].dtype == column.dtype
            and one.columns[name].tobytes() == column.tobytes()
            for name, column in other.columns.items()
        )
    )


def fuzz_messages(mutations: int, seed: int) -> Iterator[Tally]:
    """Mutate and compare, one batch of each exchange after another; tells how far it is."""
    rng, tally = random.Random(seed), Tally()
    exchanges = [registry.get(name) for name in registry.available()]
    seeds = {exchange.name: sent(exchange) for exchange in exchanges}
    size = min(BATCH, -(-mutations // len(exchanges)))
    while tally.mutations < mutations:
        for exchange in exchanges:
            known = seeds[exchange.name]
            batch = [mutated(rng.choice(known), known, rng) for _ in range(size)]
            tally.taken += compare(exchange, batch)
            tally.mutations += size
        yield tally


_KINDS = ((1, True), (1, True), (1, True), (2, True), (1, False), (0, True), (9, True))
_SIZES = (0, 1, 3, 125, 126, 127, 300)
_LARGE = (65_535, 65_536)
_HEADS = b"\x00\x01\x02\x7d\x7e\x7f\x80\x81\x82\x89\xff"


def _stream(rng: random.Random) -> list[bytes]:
    """Some frames, perhaps with a byte or two changed, in up to three reads."""
    stream = bytearray()
    for _ in range(rng.randrange(1, 8)):
        opcode, final = rng.choice(_KINDS)
        size = rng.choice(_SIZES if rng.random() < 0.95 else _LARGE)
        payload = bytes(min(size, 125) if opcode == 9 else size)
        stream += data_frame(payload, opcode=opcode, final=final)
    for _ in range(rng.choice((0, 0, 1, 2))):
        stream[rng.randrange(len(stream))] = rng.choice(_HEADS)
    places = sorted(rng.randrange(len(stream) + 1) for _ in range(rng.randrange(3)))
    bounds = [0, *places, len(stream)]
    return [bytes(stream[a:b]) for a, b in itertools.pairwise(bounds)]


def _split(chunks: Sequence[bytes]) -> tuple[list[bytes], list[bytes], str]:
    """Messages and control frames, and what was wrong."""
    splitter, messages, control = FrameSplitter(LIMIT), list[bytes](), list[bytes]()
    try:
        for chunk in chunks:
            messages += splitter.push(chunk)
            control += splitter.take_control()
    except FrameError as error:
        return [*messages, *error.messages], control, str(error)
    return messages, control, ""


def fuzz_frames(streams: int, seed: int) -> None:
    """Frames of all sizes, cut anywhere, come apart as without the core."""
    rng = random.Random(seed)
    for _ in range(streams):
        chunks = _stream(rng)
        fast = _split(chunks)
        with without_core():
            slow = _split(chunks)
        if fast != slow:
            raise Difference(f"frames: {chunks!r}\nwith the core: {fast}\nwithout: {slow}")


def main() -> None:
    """Run as long as was asked for; ends with code 1 at the first difference."""
    parser = argparse.ArgumentParser(prog="scripts/fuzz", description=__doc__)
    parser.add_argument("--mutations", type=int, default=200_000, help="of messages: 200,000")
    parser.add_argument("--seed", type=int, default=1, help="of all that is drawn: 1")
    options = parser.parse_args()
    if core.compiled is None:
        sys.exit("There is no compiled core to try.")
    begun = time.monotonic()
    try:
        fuzz_frames(options.mutations // EACH_FRAMES, options.seed)
        for number, tally in enumerate(fuzz_messages(options.mutations, options.seed)):
            if number % 20 == 0 or tally.mutations >= options.mutations:
                so_far = f"{tally.mutations:,} mutations, {tally.taken:,} of them taken"
                print(f"{so_far}, {time.monotonic() - begun:.0f} s", flush=True)  # noqa: T201
    except Difference as found:
        sys.exit(f"A difference, with seed {options.seed}:\n{found}")


if __name__ == "__main__":
    main()
