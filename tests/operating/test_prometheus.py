"""The configuration and the alerts of Prometheus, judged by promtool where it is present."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tests.operating.checkers import needs_promtool, promtool
from tests.operating.operations import (
    DASHBOARDS,
    PROMETHEUS,
    dashboard_expressions,
    load_yaml,
    rules,
)

ALERTS = [rule["alert"] for rule in rules()]


@needs_promtool
def test_the_configuration_is_correct() -> None:
    """Prometheus would start with it, and find the rules."""
    assert "1 rule files found" in promtool("check", "config", PROMETHEUS / "prometheus.yml")


@needs_promtool
def test_the_rules_are_correct() -> None:
    """Expressions and templates, and none twice."""
    said = promtool("check", "rules", "--lint=all", "--lint-fatal", PROMETHEUS / "rules.yml")
    assert f"{len(ALERTS)} rules found" in said


@needs_promtool
@pytest.mark.slow
def test_each_alert_fires_when_it_should() -> None:
    """And clears, and stays quiet in ordinary times, as `rules.test.yml` tells."""
    assert "SUCCESS" in promtool("test", "rules", PROMETHEUS / "rules.test.yml")


@needs_promtool
@pytest.mark.parametrize("dashboard", DASHBOARDS, ids=lambda path: path.stem)
def test_expressions_of_dashboards_are_correct(dashboard: Path, tmp_path: Path) -> None:
    """Each would be accepted as a rule, once Grafana has put a range in."""
    recorded = [
        {"record": f"expression:{number}", "expr": expression.replace("$__rate_interval", "1m")}
        for number, expression in enumerate(dashboard_expressions(dashboard))
    ]
    file = tmp_path / "rules.yml"
    file.write_text(json.dumps({"groups": [{"name": "dashboard", "rules": recorded}]}))
    assert f"{len(recorded)} rules found" in promtool("check", "rules", "--lint=none", file)


def test_the_rules_count_on_the_name_of_the_job() -> None:
    """And on being asked often enough for a rate over a minute."""
    config = load_yaml(PROMETHEUS / "prometheus.yml")
    assert "tick_logger" in [job["job_name"] for job in config["scrape_configs"]]
    assert config["global"]["scrape_interval"] == "15s"
    assert config["rule_files"] == ["rules.yml"]


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: rule["alert"])
def test_each_alert_says_what_it_means_and_what_to_do(rule: dict[str, dict[str, str]]) -> None:
    """How bad it is, one line, a description, and where to read on."""
    texts = rule["annotations"]
    assert rule["labels"]["severity"] in {"critical", "warning"}
    assert set(texts) == {"summary", "description", "runbook"}
    assert len(texts["summary"]) < 120
    assert len(texts["description"]) > 100
    assert texts["runbook"] == f"config/prometheus/README.md#{str(rule['alert']).lower()}"


def test_each_alert_is_seen_to_fire_by_its_own_tests() -> None:
    """`rules.test.yml` expects each at least once, and no others."""
    expected = re.findall(r'alertname="(\w+)"', (PROMETHEUS / "rules.test.yml").read_text())
    assert sorted(set(expected)) == sorted(ALERTS)


def test_each_alert_has_its_heading_in_the_runbook() -> None:
    """The link of the alert leads there; and no heading is left of one that is gone."""
    runbook = (PROMETHEUS / "README.md").read_text(encoding="utf-8")
    assert re.findall(r"(?m)^## (\w+)$", runbook) == ALERTS
