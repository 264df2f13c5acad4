"""Rows from anywhere in the files of one stream, in any order: a part that is put together.

This costs 16 bytes of memory for each row.  Not here: which rows, and in which order (`received`).
"""

from __future__ import annotations

from collections.abc import Sequence

import attrs
import numpy as np
import numpy.typing as npt

from tick_logger.model.tables import ORIGIN_MAIN
from tick_logger.reader.source import Array, Block, Symbol

Numbers = npt.NDArray[np.int64]


@attrs.frozen(eq=False)
class ScatteredPart:
    """Rows of any blocks: row `i` is row `rows_of[i]` of block `block_of[i]`."""

    symbol: Symbol
    blocks: tuple[tuple[Block, bool], ...]
    """Each with whether its rows are late ones."""
    block_of: Numbers
    row_of: Numbers

    @property
    def rows(self) -> int:
        """How many there are."""
        return len(self.row_of)

    @property
    def late(self) -> int:
        """How many came late."""
        counts = np.bincount(self.block_of, minlength=len(self.blocks))
        return sum(int(n) for n, (_, late) in zip(counts, self.blocks, strict=True) if late)

    def field(self, name: str, start: int, stop: int) -> Array:
        """A field of some rows; see `parts.Part`."""
        block_of, row_of = self.block_of[start:stop], self.row_of[start:stop]
        counts = np.bincount(block_of, minlength=len(self.blocks))
        # One block at least, for the dtype where there are no rows.
        numbers = np.flatnonzero(counts).tolist() or [0]
        made: Array | None = None
        for number in numbers:
            mine = block_of == number
            block, late = self.blocks[number]
            values = _field(block, name, row_of[mine], late=late)
            if len(numbers) == 1:
                return values
            made = np.empty(len(row_of), values.dtype) if made is None else made
            made[mine] = values
        assert made is not None, "a part without blocks"
        return made


def scattered(
    symbol: Symbol, blocks: Sequence[tuple[Block, bool]], rows: Sequence[Numbers], order: Numbers
) -> ScatteredPart:
    """Of each block these rows; `order` puts all of them, one block's behind the other's."""
    numbers = np.repeat(np.arange(len(blocks)), [len(each) for each in rows])
    return ScatteredPart(symbol, tuple(blocks), numbers[order], np.concatenate(rows)[order])


def _field(block: Block, name: str, rows: Numbers, *, late: bool) -> Array:
    if name == "origin" and not late:
        return np.full(len(rows), ORIGIN_MAIN, np.uint8)
    if not len(rows):
        return block.field(name, 0, 0)
    first, last = int(rows.min()), int(rows.max()) + 1
    return block.field(name, first, last)[rows - first]
