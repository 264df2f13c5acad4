"""The benchmark of a watched recorder: an audience that really watches, and honest figures."""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path

import pytest
import trio

from scripts.benchmark.audience import PAGES, STATUS, Audience, marks
from scripts.benchmark.processes import cpu_secs
from scripts.benchmark.watching import check, figures, served_at, window
from tests.ops.watched import Rig
from tests.ops.web.sockets import SOON_SECS, serving
from tick_logger.ops.web.routes import application


async def test_an_audience_watches_as_ten_pages_and_a_scraper_do() -> None:
    """The recorder counts as many requests, and has told all of them something."""
    rig = Rig()
    surface = application(rig.watched(), rig.board())
    async with serving(surface) as server, trio.open_nursery() as nursery:
        audience = Audience(server.address)
        nursery.start_soon(audience.run)
        with trio.fail_after(SOON_SECS):
            await audience.first_answers()
        nursery.cancel_scope.cancel()
    assert audience.told.statuses == [1] * PAGES
    assert audience.told.scrapes == 1
    (requests,) = rig.metrics.http_requests.collect()
    counted = {
        each.labels["path"]: each.value for each in requests.samples if each.name.endswith("_total")
    }
    assert counted == {"/api/events": PAGES, "/metrics": 1}


@pytest.mark.parametrize("at", range(2 * len(STATUS) + 10))
def test_a_status_is_counted_once_wherever_it_is_cut(at: int) -> None:
    """Two statuses in two pieces are two."""
    text = STATUS + b"data" + STATUS + b"data\n\n"
    first, tail = marks(b"", text[:at])
    second, tail = marks(tail, text[at:])
    assert first + second == 2
    assert marks(tail, b"data: \n\n")[0] == 0


def test_the_change_is_that_from_one_window_to_the_next() -> None:
    """Not that of the medians, between which the machine may have changed."""
    found = figures({False: [0.10, 0.20, 0.40], True: [0.11, 0.21, 0.48]}, rate=10_000.0)
    assert {key: round(value, 6) for key, value in found.items()} == {
        "us_per_message": 21.0,
        "core_share_percent": 21.0,
        "unwatched_us": 20.0,
        "change_percent": 10.0,
        "change_least_percent": 5.0,
        "change_most_percent": 20.0,
    }


@pytest.mark.parametrize(("statuses", "scrapes"), [([5, 4], 5), ([5, 5], 4)])
def test_an_audience_that_is_told_too_little_is_no_audience(
    statuses: list[int], scrapes: int
) -> None:
    """One silent page is enough; the figures would be too good."""
    check({"statuses": [5, 5], "scrapes": 5}, 5)
    with pytest.raises(SystemExit, match="too little in 5 s"):
        check({"statuses": statuses, "scrapes": scrapes}, 5)


def test_a_window_that_cannot_be_whole_is_none() -> None:
    """Who comes late must not be measured for a shorter time."""
    with pytest.raises(SystemExit, match=r"took 2\.\d s longer"):
        window(os.getpid(), until=time.time() + 1.0, secs=3.0)


def test_the_address_is_in_the_log(tmp_path: Path) -> None:
    """A line that is being written is none yet."""
    log = tmp_path / "log"
    log.write_text('{"event": "started"}\n{"event": "serving", "address": "http://here:1"}\n{"ev')
    assert served_at(log) == "http://here:1"


def test_threads_that_have_ended_are_counted() -> None:
    """A recorder's threads come and go; what they used stays used."""

    def work() -> None:
        while time.thread_time() < 0.01:
            pass

    before = cpu_secs(os.getpid())
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert cpu_secs(os.getpid()) - before >= 0.01
