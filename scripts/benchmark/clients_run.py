"""Runs the load, and whatever the recorder is compared with, one at a time."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from subprocess import TimeoutExpired
from tempfile import TemporaryDirectory
from threading import Thread

from scripts.benchmark.matrix import Case
from scripts.benchmark.peers import Peer, case_for
from scripts.benchmark.processes import Process, cpu_secs, peak_rss_mib

ROOT = Path(__file__).parents[2]
PEER_SECS = 120.0
"""What a peer is given beside the time of a paced load: it may have lost messages and wait."""


def start_load(case: Case, certificate: str) -> tuple[Process, int]:
    """The load generator, listening."""
    options = {
        "kind": case.kind,
        "connections": case.connections,
        "symbols": case.symbols,
        "messages": case.messages,
        "rate": case.rate,
        "seconds": case.load_secs,
    }
    words = [word for key, value in options.items() for word in (f"--{key}", str(value))]
    if case.tls:
        words += ["--certificate", certificate]
    load = Process("-m", "scripts.benchmark.load", *words)
    return load, load.hear("port")["port"]


def words_of(case: Case, port: int, certificate: str) -> list[str]:
    """What a client is told."""
    words = ["--kind", case.kind, "--port", str(port), "--messages", str(case.messages)]
    words += ["--connections", str(case.connections), "--symbols", str(case.symbols)]
    return words + (["--certificate", certificate] if case.tls else [])


def measure_client(client: str, case: Case, certificate: str) -> float:
    """CPU µs per message of a comparison client."""
    load, port = start_load(case, certificate)
    words = words_of(case, port, certificate)
    process = Process("-m", "scripts.benchmark.clients", client, *words)
    try:
        _begin(case, load)
        result = process.hear("cpu_secs")
    finally:
        process.child.kill()
        load.child.kill()
    return float(result["cpu_secs"] / result["messages"] * 1e6)


def measure_peer(peer: Peer, python: str, case: Case, certificate: str) -> tuple[float, float]:
    """CPU µs per message of a peer, by its own account or paced by the kernel's; its peak MiB.

    Raises `SystemExit` if the peer ends by itself, or takes too long.
    """
    case = case_for(peer, case)
    load, port = start_load(case, certificate)
    with TemporaryDirectory(prefix="tick_logger_bench_") as folder:
        process = Process(
            "-m", peer.module, *words_of(case, port, certificate), "--file", f"{folder}/rows",
            python=python, environment={"PYTHONPATH": str(ROOT)}, stderr=sys.stderr,
        )  # fmt: skip
        Thread(target=_end_with, args=(process, load, case), daemon=True).start()
        try:
            begun = _begin(case, load)
            pid = process.child.pid
            if not case.rate:
                result = process.hear("cpu_secs")
                return float(result["cpu_secs"] / result["messages"] * 1e6), peak_rss_mib(pid)
            time.sleep(max(0.0, begun + case.warm_up_secs - time.time()))
            since, before = time.time(), cpu_secs(pid)
            time.sleep(case.seconds)
            used, lasted = cpu_secs(pid) - before, time.time() - since
            finished = load.hear("finished")
            sent_per_sec = finished["messages"] / (finished["finished"] - begun)
            return used / (sent_per_sec * lasted) * 1e6, peak_rss_mib(pid)
        finally:
            process.child.kill()
            load.child.kill()


def _end_with(peer: Process, load: Process, case: Case) -> None:
    """End the load, and so what waits for it, when the peer has ended or taken too long."""
    try:
        peer.child.wait(PEER_SECS + case.load_secs)
    except TimeoutExpired:
        peer.child.kill()
    load.child.kill()


def _begin(case: Case, load: Process) -> float:
    """Let the load go; when it began, Unix time."""
    load.hear("subscribed")
    load.go()
    load.hear("prepared")
    load.go()
    if not case.rate:
        load.hear("warmed")
        load.go()
    return float(load.hear("started")["started"])
