"""What the settings of a recorder do, seen from outside a process that has made them."""

from __future__ import annotations

import platform
import subprocess
import sys

import pytest

FAULTS = """
import resource, sys
if sys.argv[1:]:
    from tick_logger.cli.tuning import tune_interpreter
    tune_interpreter()

def batch():
    blocks = [b"x" * 4_000_000 for _ in range(10)]

for _ in range(3):
    batch()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(10):
    batch()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="the setting is one of glibc")
def test_memory_that_was_used_is_used_again() -> None:
    """Ten batches of 40 MB touch no new page; without the settings they touch each one anew."""
    tuned, plain = (
        int(subprocess.check_output([sys.executable, "-c", FAULTS, *words]))
        for words in (["tuned"], [])
    )
    assert tuned < 1_000 < 10_000 < plain
