"""Causes of holes: the words in the gaps files are those of metrics, alert, runbook and page."""

from __future__ import annotations

import re
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from tests.operating.operations import PROMETHEUS, ROOT, rules
from tests.operating.promql import FROM_PROMETHEUS, exported, read
from tick_logger.errors import Ending
from tick_logger.model.cause import Cause
from tick_logger.telemetry.hole_metrics import OTHER_CAUSE
from tick_logger.telemetry.metrics import Metrics

CAUSES = [cause.value for cause in Cause]
PAGE = ROOT / "tick_logger" / "ops" / "web" / "page" / "meaning.js"

(GAP_OPENED,) = [rule for rule in rules() if rule["alert"] == "GapOpened"]
(UNREPORTED,) = set(re.findall(r'cause!~"([a-z|]+)"', GAP_OPENED["expr"]))
REPORTED = {*CAUSES, OTHER_CAUSE} - set(UNREPORTED.split("|"))


def labels() -> dict[str, frozenset[str] | None]:
    """Of every metric."""
    metrics = Metrics(CollectorRegistry())
    metrics.exchange("okx")
    return exported(metrics.text().decode())


def explained(name: str) -> list[str]:
    """The words that the page has a text for, in one of its lists."""
    block = PAGE.read_text().split(f"export const {name} = {{")[1].split("};")[0]
    return sorted(re.findall(r"(?m)^  (\w+): \"[^\"]+\",$", block))


def test_the_words_are_those_of_the_recordings_that_there_are() -> None:
    """They stand in files, rules and dashboards: none may be renamed, none may go."""
    assert sorted(CAUSES) == [
        *("adapter", "checksum", "crash", "damage", "disconnect", "moved", "overflow", "refused"),
        *("renumbered", "restart", "resync", "retired", "sequence", "silent", "snapshot", "stray"),
        *("undecodable", "unwritable"),
    ]


def test_each_cause_is_counted_under_its_own_name() -> None:
    """`other` would tell nobody anything, and cannot be left out of an alert."""
    metrics = Metrics(CollectorRegistry())
    metrics.exchange("okx")
    family = re.findall(r'sequence_gaps_total\{cause="(\w+)"', metrics.text().decode())
    assert sorted(family) == sorted({*CAUSES, OTHER_CAUSE})
    assert OTHER_CAUSE not in CAUSES


def test_the_alert_leaves_out_only_what_there_is() -> None:
    """A word that is never counted would leave out nothing."""
    assert set(UNREPORTED.split("|")) < set(CAUSES)


def test_the_alert_says_each_cause_in_words() -> None:
    """So that whoever is woken need not look it up first."""
    told = re.findall(r'eq \$labels\.cause "(\w+)"', GAP_OPENED["annotations"]["description"])
    assert sorted(told) == sorted(REPORTED - {OTHER_CAUSE})


def test_the_runbook_says_what_to_do_about_each_cause() -> None:
    """In the section of the alert, once."""
    runbook = (PROMETHEUS / "README.md").read_text()
    section = runbook.split("\n## GapOpened\n")[1].split("\n## ")[0]
    heads = re.findall(r"(?m)^\| ([^|]+) \|", section)
    assert sorted(re.findall(r"`(\w+)`", " ".join(heads))) == sorted({*CAUSES, OTHER_CAUSE})


def test_the_page_explains_each_cause() -> None:
    """And none that there is not."""
    assert explained("CAUSES") == sorted(CAUSES)


def test_the_page_explains_each_ending_of_a_connection() -> None:
    """In a list of their own: a connection that is silent is not a stream that is."""
    assert explained("ENDINGS") == sorted(Ending)


def test_the_page_on_files_lists_each_cause() -> None:
    """Once, in its table of causes."""
    page = (ROOT / "tick_logger" / "storage" / "README.md").read_text()
    section = page.split("### Causes of holes\n")[1].split("\n#")[0]
    assert sorted(re.findall(r"(?m)^\| `(\w+)` \|", section)) == sorted(CAUSES)


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: rule["alert"])
def test_each_alert_names_only_labels_that_it_has(rule: dict[str, Any]) -> None:
    """Another would leave an empty place in the sentence."""
    known = labels()
    have = FROM_PROMETHEUS.union(
        *(known.get(each.metric) or () for each in read(rule["expr"]).selectors)
    )
    named = set(re.findall(r"\$labels\.(\w+)", " ".join(rule["annotations"].values())))
    assert named <= have


def test_the_tests_of_the_alerts_feed_what_is_exported() -> None:
    """Labels that there are not would have them prove nothing."""
    known = labels() | {"up": frozenset[str]()}
    series = re.findall(r"series: '(\w+)\{(.*)\}'", (PROMETHEUS / "rules.test.yml").read_text())
    assert len(series) > 50
    for metric, given in series:
        mine = set(re.findall(r'(\w+)="', given)) - FROM_PROMETHEUS
        assert mine == (known[metric] or set()), (metric, given)
