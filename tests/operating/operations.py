"""The files of `config/` for operations, as the tests read them: rules, dashboards, expressions."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parent.parent.parent
CONFIG = ROOT / "config"
PROMETHEUS = CONFIG / "prometheus"
NAMES = PROMETHEUS / "collector-names.yml"
DASHBOARDS = sorted((CONFIG / "grafana" / "dashboards").glob("*.json"))


def load_yaml(path: Path) -> dict[str, Any]:
    """A YAML file of ours, by the safe loader."""
    document: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return document


def rules() -> list[dict[str, Any]]:
    """Every alert."""
    groups = load_yaml(PROMETHEUS / "rules.yml")["groups"]
    return [rule for group in groups for rule in group["rules"]]


def recorded() -> list[dict[str, Any]]:
    """Every rule that records another collector's names."""
    return [rule for group in load_yaml(NAMES)["groups"] for rule in group["rules"]]


def panels(dashboard: Path) -> list[dict[str, Any]]:
    """The panels of a dashboard."""
    found: list[dict[str, Any]] = json.loads(dashboard.read_text(encoding="utf-8"))["panels"]
    return found


def dashboard_expressions(dashboard: Path) -> list[str]:
    """Every PromQL expression of a dashboard: panels, annotations and variables."""
    document = json.loads(dashboard.read_text(encoding="utf-8"))
    found = list(_values_of("expr", document))
    for variable in document["templating"]["list"]:
        match = re.fullmatch(r"label_values\((.+), (\w+)\)", variable["query"]["query"])
        assert match is not None, variable["query"]
        found.append(f"count by ({match[2]}) ({match[1]})")
    return found


def every_expression() -> list[str]:
    """Those of all dashboards and of all rules."""
    found = [expression for path in DASHBOARDS for expression in dashboard_expressions(path)]
    return found + [rule["expr"] for rule in rules()]


def _values_of(key: str, document: object) -> Iterator[str]:
    if isinstance(document, dict):
        for name, value in document.items():
            if name == key:
                yield value
            else:
                yield from _values_of(key, value)
    elif isinstance(document, list):
        for each in document:
            yield from _values_of(key, each)
