"""Recorded traffic of real exchanges: where it is, and how to read it.

The folder is named by TICK_LOGGER_RECORDINGS, or lies beside the repository.  Tests that need it
carry `needs_recordings` and are skipped, with the reason, where it is absent.
"""

from __future__ import annotations

import functools
import gzip
import os
from pathlib import Path

import pytest

_BESIDE = Path(__file__).parent.parent.parent / "shared" / "recordings"
RECORDINGS = Path(os.environ.get("TICK_LOGGER_RECORDINGS") or _BESIDE)

needs_recordings = pytest.mark.skipif(
    not RECORDINGS.is_dir(),
    reason=f"no recordings at {RECORDINGS}; TICK_LOGGER_RECORDINGS names their folder",
)


def body(name: str) -> bytes:
    """The content of one file, such as `binance/rest_depth_zilusdt_2021-04-05.json`."""
    path = RECORDINGS / name
    return gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()


@functools.lru_cache(maxsize=8)  # tests of one module read the same few captures
def frames(name: str) -> tuple[bytes, ...]:
    """The frames of one capture, in the order in which they were received."""
    return tuple(body(name).splitlines())


def captures(exchange: str) -> list[str]:
    """The names of all captures of an exchange."""
    paths = sorted((RECORDINGS / exchange).glob("*.jsonl*"))
    return [f"{exchange}/{path.name}" for path in paths if ".meta." not in path.name]
