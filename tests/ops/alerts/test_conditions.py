"""The conditions are those of the alerts of the same names, with the same bounds."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.operating.operations import rules
from tick_logger.ops.alerts.conditions import KINDS, Kind
from tick_logger.ops.alerts.lookback import EXPECTED

SECS = {"s": 1, "m": 60, "h": 3600}


def rule(name: str) -> dict[str, Any]:
    (found,) = (each for each in rules() if each["alert"] == name)
    return found


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_name_severity_and_patience(kind: Kind) -> None:
    """Somebody who has both is told the same by both."""
    theirs = rule(kind.name)
    assert kind.severity == theirs["labels"]["severity"]
    assert kind.for_secs == int(theirs["for"][:-1]) * SECS[theirs["for"][-1]]


def test_which_holes_are_no_surprise() -> None:
    """The same for both."""
    (causes,) = set(re.findall(r'cause!~"([^"]+)"', rule("GapOpened")["expr"]))
    assert set(causes.split("|")) == {cause.value for cause in EXPECTED}
