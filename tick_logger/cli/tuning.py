"""How the interpreter is set for a recorder: few pauses, few page faults.

Each setting trades nothing but a little memory for CPU time, and none is needed for anything to
work.  Not here: what the recorder itself does about its memory, see `budget`.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import sys

SWITCH_INTERVAL_SECS = 0.0002
"""A flush makes thousands of short system calls, and each has to win the interpreter back: with
the default of 5 ms a busy event loop would make it last many seconds."""

CONTAINERS_PER_COLLECTION = 50_000
"""Messages make lists and no cycles.  With the default of 700 containers the collector would go
through each batch several times, an eighth of all CPU time where a message holds many trades."""

KEPT_FREE_BYTES = 64 * 1024 * 1024
"""So much free memory is kept for the next batch.  The default gives it back after each one, and
touching it anew costs up to a tenth of all CPU time on a virtual machine."""

HEAP_BLOCK_BYTES = 4 * 1024 * 1024
"""Blocks up to this size come from what is kept.  Larger ones, which only floods need, are given
back as soon as they are free: among small ones they would leave holes that nothing fits into, and
a flood of large messages left twice as much in holes as was held."""

HEAPS = 1
"""All threads take their blocks from one heap.  With one each, what one of them has given back is
of no use to the others; and only one of them runs Python at a time."""

_TRIM_THRESHOLD, _MMAP_THRESHOLD, _ARENA_MAX = -1, -3, -8  # M_... of glibc's malloc.h


def tune_interpreter() -> None:
    """Set it, once everything that stays is imported."""
    sys.setswitchinterval(SWITCH_INTERVAL_SECS)
    gc.freeze()  # what was imported stays
    gc.set_threshold(CONTAINERS_PER_COLLECTION)
    with contextlib.suppress(OSError, AttributeError):  # a C library without it
        mallopt = ctypes.CDLL(None).mallopt
        mallopt(_TRIM_THRESHOLD, KEPT_FREE_BYTES)
        mallopt(_MMAP_THRESHOLD, HEAP_BLOCK_BYTES)
        mallopt(_ARENA_MAX, HEAPS)
