"""Messages as they were received: one block of bytes, and how long each of them is.

So they pass from the sockets to the decoder and to the journal, without an object for each message
on the way.  Whoever reads them as a sequence gets each as bytes of its own, made when the first is
asked for.  What was taken apart already is put together only when the block is wanted.

Invariant: `lengths` cut `block` exactly into the messages, in order.  Not here: when they came and
on which connection (`entries`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain, pairwise
from typing import Self, TypeAlias, overload

import numpy as np
import numpy.typing as npt

Lengths: TypeAlias = npt.NDArray[np.uint32]


class Payloads(Sequence[bytes]):
    """A sequence of messages that is never changed; equal to any other sequence of the same."""

    __slots__ = ("_block", "_edges", "_packed", "_texts")

    def __init__(
        self, block: bytes | None, packed: bytes | None, texts: list[bytes] | None = None
    ) -> None:
        """Either `texts`, or the block and the length of each as four bytes (native uint32)."""
        assert texts is not None or (block is not None and packed is not None)
        self._block = block
        self._packed = packed
        self._texts = texts
        self._edges: npt.NDArray[np.int64] | None = None

    @classmethod
    def of(cls, texts: Sequence[bytes]) -> Self:
        """These messages, as they are if they are such a sequence already."""
        return texts if isinstance(texts, cls) else cls(None, None, list(texts))

    @classmethod
    def joined(cls, parts: Sequence[Self]) -> Self:
        """The messages of all parts, one after another."""
        if len(parts) == 1:
            return parts[0]
        if any(part.is_joined for part in parts):
            apart = None if any(p.is_block for p in parts) else list(chain.from_iterable(parts))
            blocks, packed = [p.block for p in parts], [p.packed for p in parts]
            return cls(b"".join(blocks), b"".join(packed), apart)
        return cls(None, None, list(chain.from_iterable(parts)))

    @property
    def is_block(self) -> bool:
        """Whether they have not been taken apart."""
        return self._texts is None

    @property
    def is_joined(self) -> bool:
        """Whether their block is there, whatever else is."""
        return self._block is not None

    @property
    def block(self) -> bytes:
        """All of them, one behind another."""
        if self._block is None:
            self._block = b"".join(self.texts)
        return self._block

    @property
    def packed(self) -> bytes:
        """The length of each, as four bytes."""
        if self._packed is None:
            texts = self.texts
            self._packed = np.fromiter(map(len, texts), np.uint32, len(texts)).tobytes()
        return self._packed

    @property
    def lengths(self) -> Lengths:
        """The length of each (shape `(n,)`)."""
        return np.frombuffer(self.packed, np.uint32)

    @property
    def nbytes(self) -> int:
        """The length of all together."""
        return sum(map(len, self.texts)) if self._block is None else len(self._block)

    @property
    def texts(self) -> list[bytes]:
        """Each as bytes of its own; not to be changed."""
        if self._texts is None:
            block = self.block
            edges = self._where().tolist()
            self._texts = [block[a:b] for a, b in pairwise(edges)]
        return self._texts

    def at(self, places: Sequence[int] | npt.NDArray[np.integer]) -> Payloads:
        """Some of them, by their numbers; the others are not taken apart."""
        if self._texts is not None:
            return Payloads.of([self._texts[place] for place in places])
        begins, ends = self._where()[:-1], self._where()[1:]
        pairs = zip(begins[places].tolist(), ends[places].tolist(), strict=True)
        return Payloads.of([self.block[a:b] for a, b in pairs])

    def _where(self) -> npt.NDArray[np.int64]:
        """Where in the block each begins, and the last ends (shape `(n + 1,)`)."""
        if self._edges is None:
            self._edges = np.zeros(len(self) + 1, np.int64)
            np.cumsum(self.lengths, out=self._edges[1:])
        return self._edges

    def __len__(self) -> int:
        return len(self.packed) // 4 if self._texts is None else len(self._texts)

    @overload
    def __getitem__(self, at: int) -> bytes: ...
    @overload
    def __getitem__(self, at: slice) -> list[bytes]: ...
    def __getitem__(self, at: int | slice) -> bytes | list[bytes]:
        if isinstance(at, int) and self._texts is None and 0 <= at < len(self):
            begin, end = self._where()[at : at + 2].tolist()
            return self.block[begin:end]
        return self.texts[at]

    def __iter__(self) -> Iterator[bytes]:
        return iter(self.texts)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and self.texts == list(other)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"Payloads({self.texts!r})"


NO_PAYLOADS = Payloads(b"", b"")
