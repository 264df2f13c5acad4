"""A real Prometheus over a real recorder: it loads the rules, and an alert comes and goes.

Its time is a faster one (see `hastened`); when each alert fires is otherwise the business of
`rules.test.yml`.  Only alerts about exchanges are judged: those about the process and the disk say
how the machine is doing on which the tests run.
"""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, suppress

import attrs
import pytest

from tests.operating import operations
from tests.operating.hastened import hastened, hastened_rules
from tests.operating.running import (
    PROMETHEUS_PROGRAM,
    Prometheus,
    prometheus,
    recorder,
    simulated,
    wait_for,
)

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("prometheus")]

STALLED, OTHER = "kraken", "okx"
FEED = "trades"
MESSAGES_PER_SECOND = 1000.0
"""Of each exchange: so many rows that a pause of a few seconds is one in which many were due."""

FIRING = 'ALERTS{alertstate="firing", exchange!=""}'
MAY_BE_SILENT = hastened(
    "increase(collector_rows_written_total[30m]) > 3600"
    " and on (job, instance) time() - collector_start_timestamp_seconds > 300"
)
"""What `FeedSilent` wants to have seen of a feed before it misses it."""


@attrs.frozen
class Watched:
    """Who watches, and the process of the exchange that will stand still."""

    prometheus: Prometheus
    exchange: subprocess.Popen[bytes]

    def firing(self) -> set[tuple[str, str]]:
        """(alert, exchange) of all that fire."""
        return {(each["alertname"], each["exchange"]) for each in self.prometheus.query(FIRING)}


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    """A recorder of two exchanges under a Prometheus, for all tests of this file."""
    if PROMETHEUS_PROGRAM is None:
        pytest.skip("prometheus is not installed (Debian: apt install prometheus)")
    folder = tmp_path_factory.mktemp("live")
    with ExitStack() as stack:
        exchanges = {
            name: stack.enter_context(simulated(name, MESSAGES_PER_SECOND, folder))
            for name in (STALLED, OTHER)
        }
        addresses = {name: address for name, (_, address) in exchanges.items()}
        _, target = stack.enter_context(recorder(addresses, FEED, folder))
        yield Watched(stack.enter_context(prometheus(target, folder)), exchanges[STALLED][0])


def test_the_rules_load_and_the_recorder_answers(watched: Watched) -> None:
    """Every alert is evaluated without complaint, and the target is up."""
    alerts = [rule["alert"] for rule in operations.rules()]
    wait_for(lambda: watched.prometheus.rules() == dict.fromkeys(alerts, "ok"))
    wait_for(lambda: watched.prometheus.targets() == {"tick_logger": "up"})


def test_an_alert_fires_for_a_feed_that_stands_still_and_clears_when_it_goes_on(
    watched: Watched,
) -> None:
    """For that feed only, and none while all is well."""
    expected = {STALLED, OTHER}
    wait_for(
        lambda: {each["exchange"] for each in watched.prometheus.query(MAY_BE_SILENT)} == expected
    )
    assert watched.prometheus.query(f"last_over_time({FIRING}[1h])") == []
    watched.exchange.send_signal(signal.SIGSTOP)
    assert wait_for(watched.firing) == {("FeedSilent", STALLED)}
    watched.exchange.send_signal(signal.SIGCONT)
    wait_for(lambda: not watched.firing())


def test_dashboards_have_something_to_show(watched: Watched) -> None:
    """Each expression has a value, but for those of the host and of what did not happen.

    On a busy machine a scrape may fail, which leaves some without one for a moment.
    """

    def without_value() -> set[str]:
        return {
            expression
            for dashboard in operations.DASHBOARDS
            for expression in operations.dashboard_expressions(dashboard)
            if "node_" not in expression and not watched.prometheus.query(_filled_in(expression))
        }

    expected = {
        "changes(collector_start_timestamp_seconds[1m]) > 0",
        "time() - 86400 - (collector_sealed_day_timestamp_seconds > 0)",  # no day is over
    }
    with suppress(AssertionError):
        wait_for(lambda: without_value() == expected)
    assert without_value() == expected


def _filled_in(expression: str) -> str:
    """As Grafana asks, with its variables replaced."""
    with_range = expression.replace("$__rate_interval", "1m")
    return hastened(with_range.replace('"$exchange"', f'"{OTHER}"'))


def test_nothing_but_time_is_changed_in_the_rules() -> None:
    """Of those that are loaded here, by the example of one that has every kind of duration."""
    (rule,) = (
        rule
        for group in hastened_rules()["groups"]
        for rule in group["rules"]
        if rule["alert"] == "FeedSilent"
    )
    assert rule["for"] == "2000ms"
    assert rule["expr"].split() == (
        """
        ( ( increase(collector_rows_written_total[4000ms]) == 0
            and increase(collector_rows_written_total[120000ms]) > 3600 )
          or
          ( increase(collector_rows_written_total[60000ms]) == 0
            and increase(collector_rows_written_total[720000ms] offset 60000ms) > 1440
            and on (job, instance) time() - collector_start_timestamp_seconds > 60 ) )
        and on (job, instance) time() - collector_start_timestamp_seconds > 20
        """.replace("( (", "((")
        .replace("((", "( (")
        .split()
    )
