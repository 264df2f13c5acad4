"""Prometheus' configuration and rules as they are, but in a faster time.

Every duration is divided by `FASTER`: how often is asked and evaluated, `for`, ranges, offsets,
and the seconds with which rules compare an age, as in `time() - metric > 300`.  Sizes, counts and
ratios stay: what is 3600 rows in half an hour is then 3600 rows in two minutes.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from tests.operating.operations import NAMES, PROMETHEUS, load_yaml

FASTER = 15
"""A minute is four seconds, which is as little as a busy machine allows: a feed is called silent
after six such seconds, and the writer has to come round more often than that."""

_MS = {"ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}
_DURATION = re.compile(r"\b([0-9]+)(ms|[smhd])\b")
_AGE = re.compile(r"(time\(\) - \w+(?:\{[^}]*\})? > )([0-9]+)\b")


def hastened(text: str) -> str:
    """A duration, or an expression with all the durations in it."""
    shorter = _DURATION.sub(lambda found: f"{int(found[1]) * _MS[found[2]] // FASTER}ms", text)
    return _AGE.sub(lambda found: f"{found[1]}{int(found[2]) / FASTER:g}", shorter)


def hastened_rules() -> dict[str, Any]:
    """All of `rules.yml`."""
    document = load_yaml(PROMETHEUS / "rules.yml")
    for group in document["groups"]:
        for rule in group["rules"]:
            for key in {"expr", "for"} & rule.keys():
                rule[key] = hastened(rule[key])
    return document


def write_hastened(folder: Path, target: str, alertmanager: str = "") -> Path:
    """`prometheus.yml` and all rules, for a recorder that is at `target`; returns the former.

    The host is not asked: there is no node-exporter, nor an Alertmanager but the given one.
    """
    document = load_yaml(PROMETHEUS / "prometheus.yml")
    document["global"] = {key: hastened(value) for key, value in document["global"].items()}
    (recorder,) = (job for job in document["scrape_configs"] if job["job_name"] == "tick_logger")
    document["scrape_configs"] = [recorder | {"static_configs": [{"targets": [target]}]}]
    managers = [{"static_configs": [{"targets": [alertmanager]}]}] if alertmanager else []
    document["alerting"] = {"alertmanagers": managers}
    document["rule_files"].append(NAMES.name)
    (folder / NAMES.name).write_text(NAMES.read_text(encoding="utf-8"))
    (folder / "rules.yml").write_text(json.dumps(hastened_rules()))
    config = folder / "prometheus.yml"
    config.write_text(json.dumps(document))  # which is YAML as well
    return config
