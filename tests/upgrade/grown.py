"""Goes on with a recording in a copy of the tree that has grown, and says what became of `MD`.

    python -m tests.upgrade.grown FOLDER

The files in the folder are replaced by what they are after some seconds more.  Prints, of the
column `price_twice` of one symbol: values that stand for none, and values that equal the price.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

from tests.fakes.memory_files import MemoryFiles
from tests.upgrade.fixture import load, write
from tests.upgrade.program import go_on

LATER_NS = 5 * 10**9
SECS = 6.0
MD = "kraken/BTC%2FUSD/MD"


def main(folder: Path) -> None:
    """Go on, write, and tell."""
    recorded = load("killed")
    files = MemoryFiles()
    files.contents = {path: bytearray(content) for path, content in recorded.files.items()}
    start_ns = recorded.ended_ns + LATER_NS
    code = go_on(files, recorded.venues, start_ns=start_ns, secs=SECS, seed=recorded.seed)
    assert code == 0, code
    write(files.contents, folder)
    twice = _column(files, "price_twice", recorded.day, "<f8")
    halves, rests = (
        _column(files, name, recorded.day, dtype)
        for name, dtype in (("price", "<f4"), ("rest", "(4,)<i4"))
    )
    assert len(halves) == len(rests)
    exact = (halves.astype("f8").view("i8") + rests[:, 0]).view("f8")
    print(int(np.isnan(twice).sum()), int((twice == exact[: len(twice)]).sum()), len(exact))  # noqa: T201


def _column(files: MemoryFiles, name: str, day: str, dtype: str) -> np.ndarray:
    return np.frombuffer(bytes(files.contents.get(f"{MD}/{name}.{day}.bin", b"")), dtype)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
