"""What every peer tells: its CPU time from the first message to the last, and how many it took.

Needs nothing but the standard library, because it runs in the peers' environment.
"""

from __future__ import annotations

import argparse
import ssl
import time
from collections.abc import Callable

from scripts.benchmark import frames
from scripts.benchmark.processes import say


class Account:
    """Counts messages; with the last one it flushes and says `cpu_secs`, of all threads."""

    def __init__(self, expected: int, flush: Callable[[], object]) -> None:
        self._expected, self._flush = expected, flush
        self._taken, self._begun = 0, 0.0

    def took(self) -> None:
        """One more message is written."""
        if not self._taken:
            self._begun = time.process_time()
        self._taken += 1
        if self._taken == self._expected:
            self._flush()
            say(messages=self._taken, cpu_secs=time.process_time() - self._begun)


def parser_of(description: str | None) -> argparse.ArgumentParser:
    """What every client of the load is told: where it is, and what comes."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--kind", choices=frames.KINDS, default="trades")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--connections", type=int, default=10)
    parser.add_argument("--symbols", type=int, default=20)
    parser.add_argument("--messages", type=int, required=True)
    parser.add_argument("--certificate", default="")
    return parser


def options_of(description: str | None) -> argparse.Namespace:
    """What a peer is told: it writes to a file, too."""
    parser = parser_of(description)
    parser.add_argument("--file", default="", help="where to write to")
    return parser.parse_args()


def secure_context(certificate: str) -> ssl.SSLContext | None:
    """One that trusts the load's certificate; None without."""
    return ssl.create_default_context(cafile=certificate) if certificate else None
