"""Runs the measurements and prints a table and JSON.

Each measurement starts the load generator as a process of its own and one client against it: the
recorder (see `recording`), a floor, a plain `get_message` loop, or another recorder (see `peers`),
by turns in each round.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import attrs
import numpy as np
import trustme

from scripts.benchmark import archiving, exchanges, lines, matrix, peers, reading, results
from scripts.benchmark.clients_run import ROOT, measure_client, measure_peer
from scripts.benchmark.matrix import Case
from scripts.benchmark.recording import measure_recorder

LINES_RATE = 10_000.0


def cases(options: argparse.Namespace) -> list[Case]:
    """The measurements that were asked for."""
    chosen = matrix.full if options.full else matrix.default
    rates = (options.rate,) if options.rate else matrix.RATES
    found = chosen(options.messages or matrix.MOST_MESSAGES, options.seconds, rates)
    if options.rounds:
        found = [attrs.evolve(case, rounds=options.rounds) for case in found]
    if options.no_peers:
        found = [attrs.evolve(case, peers=False) for case in found]
    return [case for case in found if options.only in case.name]


def one_round(case: Case, certificate: str, python: str) -> dict[str, float]:
    """The recorder, then everything it is compared with."""
    result = measure_recorder(case, certificate)
    if not case.rate:
        result["floor_us"] = measure_client("floor", case, certificate)
        loop_case = attrs.evolve(case, messages=case.messages // 2_000 * 400)
        result["get_message_loop_us"] = measure_client("loop", loop_case, certificate)
        result["times_floor"] = result["us_per_message"] / result["floor_us"]
    if python and peers.compared(case):
        theirs_us: dict[str, float] = {}
        for peer in peers.PEERS:
            try:
                theirs_us[peer.name], rss_mib = measure_peer(peer, python, case, certificate)
            except SystemExit as ended:
                print(f"{case.name}: {peer.name} skipped: {ended}", file=sys.stderr)  # noqa: T201
                continue
            result[f"{peer.name}_rss_mib"] = rss_mib
        result |= peers.ratios(result["us_per_message"], theirs_us)
    return result


def run(case: Case, certificate: str, python: str) -> dict[str, Any]:
    """One case: the median over the rounds."""
    rounds = [one_round(case, certificate, python) for _ in range(case.rounds)]
    values = {key: [each[key] for each in rounds if key in each] for key in rounds[0]}
    return {key: round(float(np.median(some)), 3) for key, some in values.items()}


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="scripts/bench", description=__doc__)
    parser.add_argument(
        "--exchange",
        default="",
        metavar="NAME",
        help='instead: every feed of this exchange as it is simulated, or of "all" exchanges',
    )
    parser.add_argument(
        "--reading", action="store_true", help="instead: what reading a recording takes"
    )
    parser.add_argument(
        "--archive", action="store_true", help="instead: what packing for the archive takes"
    )
    parser.add_argument(
        "--lines", action="store_true", help="instead: what a second line costs, each exchange"
    )
    parser.add_argument(
        "--rows",
        type=int,
        default=reading.ROWS,
        help="of one day, with --reading, --archive: 10,000,000",
    )
    parser.add_argument(
        "--messages", type=int, help="in the saturated cases: 2,000,000, with --exchange 200,000"
    )
    parser.add_argument(
        "--rate",
        type=float,
        help="messages/s of the paced cases: all of 200 to 100,000; with --lines 10,000",
    )
    parser.add_argument("--seconds", type=float, default=15.0, help="measured in the paced cases")
    parser.add_argument(
        "--rounds",
        type=int,
        help="the median is reported: of 1 to 3, with --exchange, --lines of 1, --reading of 7",
    )
    parser.add_argument("--only", default="", help="cases whose name contains this")
    parser.add_argument(
        "--json",
        default="",
        help="also write the results to this file; what is finished there is not measured again",
    )
    parser.add_argument("--full", action="store_true", help="every combination: hours, resumable")
    parser.add_argument("--no-peers", action="store_true", help="the recorder and its floor only")
    parser.add_argument("--list", action="store_true", help="only say which cases there are")
    return parser.parse_args()


def main() -> None:
    """Measure and print."""
    options = _options()
    if options.archive:
        archiving.report(options.rows)
        return
    if options.lines:
        rate = options.rate or LINES_RATE
        rows = lines.report(rate, options.seconds, options.rounds or 1, options.only)
    elif options.reading:
        rows = reading.report(options.rows, options.rounds or reading.ROUNDS, options.only)
    elif options.exchange:
        rows = exchanges.report(
            options.exchange,
            messages=options.messages or 200_000,
            rounds=options.rounds or 1,
            only=options.only,
        )
    else:
        report(options)
        return
    if options.json:
        Path(options.json).write_text(json.dumps(rows, indent=2))


def report(options: argparse.Namespace) -> None:
    """The recorder against its floor and its peers: measure what is not finished, and print."""
    chosen, finished = cases(options), results.Finished(options.json)
    if options.list:
        for case in chosen:
            print(f"{case.name}: about {case.expected_secs:.0f} s")  # noqa: T201
        return
    python, why = "", ""
    asking = {case.name for case in chosen if peers.compared(case)}
    if asking:
        python, why = peers.prepare(peers.cache_folder())
    if why:  # kept as results without peers, so that they are measured again once there are some
        chosen = [attrs.evolve(case, peers=False) for case in chosen]
    measure = partial(run, python=python)
    rows = measured(chosen, finished, results.commit(ROOT), measure)
    if why:
        rows = [row | {"skipped": why} if row["case"] in asking else row for row in rows]
    print(results.table(rows))  # noqa: T201
    print(json.dumps(rows, indent=2))  # noqa: T201


def measured(
    chosen: list[Case],
    finished: results.Finished,
    at: str,
    measure: Callable[[Case, str], dict[str, Any]],
) -> list[dict[str, Any]]:
    """The results of these cases, of which those that are finished are not measured again."""
    authority, rows = trustme.CA(), []
    with tempfile.TemporaryDirectory() as folder:
        certificate = os.path.join(folder, "bench.pem")
        authority.issue_cert("localhost").private_key_and_cert_chain_pem.write_to_path(certificate)
        authority.cert_pem.write_to_path(certificate, append=True)
        for case in chosen:
            row = finished.of(case, at)
            if row is None:
                print(f"measuring: {case.name} ...", file=sys.stderr, flush=True)  # noqa: T201
                row = results.key(case, at) | measure(case, certificate)
                finished.add(row)
            rows.append(row)
    return rows


if __name__ == "__main__":
    main()
