"""Which cases the benchmark has, what it goes on with, and what it compares with."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import attrs
import pytest

from scripts.benchmark import matrix, peers, results
from scripts.benchmark.matrix import Case
from scripts.benchmark.run import measured

AT = "0123456789ab"


def test_the_default_cases_ask_each_question_in_25_minutes() -> None:
    cases = matrix.default(2_000_000, 15.0)
    assert sum(case.expected_secs for case in cases) <= 25 * 60
    assert {case.rate for case in cases} == {0, 200, 1_000, 10_000, 100_000}
    assert {case.connections * case.symbols for case in cases} == {20, 200, 2_000}
    assert {(case.tls, bool(case.rate)) for case in cases} == {
        (False, False), (False, True), (True, False), (True, True),
    }  # fmt: skip
    assert {case.pure for case in cases} == {False, True}
    assert {case.coalesce_ms for case in cases} == {0, 20}


def test_all_cases_have_names_of_their_own_and_every_combination() -> None:
    cases = matrix.full(2_000_000, 15.0)
    assert len({case.name for case in cases}) == len(cases)
    found = {(c.tls, c.pure, c.rate, c.connections * c.symbols) for c in cases}
    assert len(found) == 2 * 2 * 5 * 3
    assert {case.kind for case in cases} == {"trades", "tickers"}


def test_a_paced_load_warms_up_until_each_symbol_has_its_files() -> None:
    assert Case(name="", rate=10_000.0).warm_up_secs == 4.0
    assert Case(name="", rate=200.0, symbols=200).warm_up_secs == 20.0


def test_a_second_call_goes_on_where_the_first_has_stopped(tmp_path: Path) -> None:
    file = str(tmp_path / "results.json")
    one, two = Case(name="one"), Case(name="two")

    def stops(case: Case, certificate: str) -> dict[str, Any]:
        if case.name == "two":
            raise KeyboardInterrupt
        return {"us_per_message": 2.5}

    with pytest.raises(KeyboardInterrupt):
        measured([one, two], results.Finished(file), AT, stops)
    asked: list[str] = []

    def goes_on(case: Case, certificate: str) -> dict[str, Any]:
        asked.append(case.name)
        return {"us_per_message": 3.5}

    rows = measured([one, two], results.Finished(file), AT, goes_on)
    assert asked == ["two"]
    assert [row["us_per_message"] for row in rows] == [2.5, 3.5]
    assert json.loads(Path(file).read_text()) == rows


def test_what_differs_is_measured_again() -> None:
    """Another commit, and other counts."""
    finished, case = results.Finished(""), Case(name="one")
    finished.add(results.key(case, AT))
    assert finished.of(case, AT) is finished.rows[0]
    assert finished.of(case, "another") is None
    assert finished.of(attrs.evolve(case, messages=1), AT) is None


@pytest.mark.parametrize("at", ["", AT + "+"])
def test_files_that_no_commit_has_are_measured_again(at: str) -> None:
    finished, case = results.Finished(""), Case(name="one")
    finished.add(results.key(case, at))
    assert finished.of(case, at) is None


def test_a_file_with_something_else_in_it_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "notes"
    path.write_text("mine")
    with pytest.raises(SystemExit, match="has no results in it"):
        results.Finished(str(path))
    assert path.read_text() == "mine"


def test_the_table_says_what_was_skipped_and_why() -> None:
    rows = [
        {"case": "one", "us_per_message": 2.0, "cryptofeed_us": 10.0, "times_cryptofeed": 0.2},
        {"case": "two", "us_per_message": 2_345.678, "skipped": "no network"},
    ]
    assert results.table(rows).splitlines() == [
        "| case | µs/message | cryptofeed | x cryptofeed |",
        "|---|---|---|---|",
        "| one | 2.00 | 10.00 | 0.20 |",
        "| two | 2,345.68 |  |  |",
        "two: peers skipped: no network",
    ]


def test_peers_get_their_share_of_the_load_in_their_dialect() -> None:
    case = Case(name="", messages=1_000_000)
    of = {peer.name: peers.case_for(peer, case) for peer in peers.PEERS}
    assert of["compiled_floor"] == case
    assert of["cryptofeed"] == attrs.evolve(case, kind="aggregates", messages=100_000)


def test_the_recorder_is_told_as_a_multiple_of_its_peers() -> None:
    assert peers.ratios(2.0, {"cryptofeed": 10.0, "compiled_floor": 1.0}) == {
        "cryptofeed_us": 10.0,
        "times_cryptofeed": 0.2,
        "compiled_floor_us": 1.0,
        "times_compiled_floor": 2.0,
    }


def test_where_peers_cannot_be_installed_the_reason_is_told(tmp_path: Path) -> None:
    (tmp_path / "peers").write_text("a file in the place of the environment")
    python, why = peers.prepare(tmp_path)
    assert not python
    assert why
