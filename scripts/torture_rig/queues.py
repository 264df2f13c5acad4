"""What a recorder had read of each connection when it was killed, by the system's own account.

A process that is stopped reads nothing more.  What its kernel has received for a connection, less
what waits there to be read, is what it has read; whatever message lies whole before that is on disk
after the next start, or was in the one read that was going on.

Linux only: asks `ss`.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path
from shutil import which

import attrs

from scripts.torture_rig.errors import Failed, MissingToolError
from scripts.torture_rig.ledger import Stream
from scripts.torture_rig.recorded import read
from scripts.torture_rig.recorder import Recorder
from scripts.torture_rig.rows import RECORDS

MOST_READ_BYTES = 64 * 1024
"""What one read of a socket returns at most."""

STOP_PATIENCE_SECS = 5.0

_RECEIVED = re.compile(r"\bbytes_received:(\d+)")


@attrs.define
class Tape:
    """All that was sent on one connection, to the client at this port: where each message ended."""

    port: int
    sent_bytes: int = 0
    messages: list[tuple[int, int, Stream, bytes]] = attrs.Factory(list)
    """End in bytes, time of sending, stream, and the row as it should be on disk."""


@attrs.define
class Account:
    """Of all rounds: what was read, and what of it is not on disk."""

    rounds: int = 0
    read_rows: int = 0
    unread_bytes: int = 0  # in the queues of the sockets when they were stopped
    cut: list[tuple[Tape, int]] = attrs.Factory(list)  # how much was read of each connection
    missing: int = 0
    short: int = 0  # connections of which something is missing
    longest_bytes: int = 0
    longest_ns: int = 0  # between the first that is missing and the last that was read
    amiss: list[str] = attrs.Factory(list)

    def judge(self, root: Path) -> None:
        """Compare with what is on disk."""
        on_disk = {
            stream: set(_rows(found.records.tobytes(), stream.table))
            for stream, found in read(root).items()
            if stream.table in RECORDS
        }
        for tape, read_bytes in self.cut:
            self._judge(tape, read_bytes, on_disk)

    def _judge(self, tape: Tape, read_bytes: int, on_disk: Mapping[Stream, set[bytes]]) -> None:
        whole = [each for each in tape.messages if each[0] <= read_bytes]
        self.read_rows += len(whole)
        lacking = [n for n, each in enumerate(whole) if each[3] not in on_disk.get(each[2], ())]
        if not lacking:
            return
        first = lacking[0]
        begin = whole[first - 1][0] if first else 0
        self.missing += len(lacking)
        self.short += 1
        self.longest_bytes = max(self.longest_bytes, read_bytes - begin)
        self.longest_ns = max(self.longest_ns, whole[-1][1] - whole[first][1])
        if lacking != list(range(first, len(whole))):
            self.amiss.append(f"port {tape.port}: what was read later is there: {lacking[:4]}")
        if read_bytes - begin > MOST_READ_BYTES:
            self.amiss.append(f"port {tape.port}: {read_bytes - begin} bytes: more than one read")

    def __str__(self) -> str:
        return (
            f"{self.rounds} rounds, {len(self.cut)} connections: {self.read_rows:,} rows were read,"
            f" {self.unread_bytes:,} bytes were not; of those rows {self.missing} are missing, on"
            f" {self.short} connections, {self.longest_bytes:,} bytes and"
            f" {self.longest_ns / 1e6:.0f} ms at most"
        )


def _rows(data: bytes, table: str) -> list[bytes]:
    size = RECORDS[table].itemsize
    return [data[at : at + size] for at in range(0, len(data), size)]


def stop(recorder: Recorder) -> None:
    """Let it do nothing more; returns when it does nothing."""
    os.kill(recorder.pid, signal.SIGSTOP)
    until = time.monotonic() + STOP_PATIENCE_SECS
    while any(_state(task) not in "tT" for task in Path(f"/proc/{recorder.pid}/task").iterdir()):
        if time.monotonic() > until:
            raise Failed("it does not stop")
        time.sleep(0.001)


def _state(task: Path) -> str:
    return (task / "stat").read_text().rpartition(")")[2].split()[0]


def read_of(tapes: Mapping[int, Tape], account: Account) -> None:
    """Note how much was read of each connection that is open; its process is stopped."""
    if which("ss") is None:
        raise MissingToolError("ss is not installed")
    listed = subprocess.run(
        ["ss", "-tinHO", "state", "established"], capture_output=True, text=True, check=True
    )
    account.rounds += 1
    for line in listed.stdout.splitlines():
        queued, _, local, _ = line.split()[:4]
        tape, received = tapes.get(int(local.rpartition(":")[2])), _RECEIVED.search(line)
        if tape is not None and received is not None:
            account.cut.append((tape, int(received[1]) - int(queued)))
            account.unread_bytes += tape.sent_bytes - account.cut[-1][1]
