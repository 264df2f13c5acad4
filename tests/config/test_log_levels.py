"""Levels of the log by part of the program: what is refused, and where they may come from."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.config.given import VENUES, problems_of
from tick_logger.config.load import load
from tick_logger.config.printing import render

LEVELS = {"net": "debug", "net.rest": "warning"}
VARIABLE = "TICK_LOGGER__LOGGER__LOG_LEVELS"


def test_they_stand_in_one_line_or_in_a_table(file: Path) -> None:
    """And what is printed means the same."""
    for text in (
        'log_levels = { net = "debug", "net.rest" = "warning" }',
        '[logger.log_levels]\nnet = "debug"\n"net.rest" = "warning"',
    ):
        file.write_text(f"[logger]\n{text}\n")
        config = load(file, {}, VENUES)
        assert config.logger.log_levels == LEVELS
        file.write_text(render(config))
        assert load(file, {}, VENUES) == config


@pytest.mark.parametrize(
    ("text", "levels"),
    [
        ("net=debug, net.rest = warning", LEVELS),
        ('{"net": "debug", "net.rest": "warning"}', LEVELS),
        ("", {}),
    ],
)
def test_they_come_from_the_environment(text: str, levels: dict[str, str]) -> None:
    """With commas, or as JSON."""
    assert load(None, {VARIABLE: text}, VENUES).logger.log_levels == levels


@pytest.mark.parametrize(
    ("text", "path", "reason"),
    [
        ("log_levels = { net = 'loud' }", "logger.log_levels.net", "must be one of debug, info"),
        ("log_levels = { net = 1 }", "logger.log_levels.net", "must be a text, not the number 1"),
        (
            "log_levels = { nett = 'debug' }",
            "logger.log_levels",
            '"nett" is not a part of the program; did you mean "net"?; there are api_keys, app,',
        ),
        ("log_levels = 'debug'", "logger.log_levels", 'must be a table, not the text "debug"'),
        ("log_stderr = 'pretty'", "logger.log_stderr", "must be one of auto, text, json"),
        ("log_file_level = 'all'", "logger.log_file_level", "must be one of same, debug, info"),
    ],
)
def test_what_is_refused(file: Path, text: str, path: str, reason: str) -> None:
    """With its key, and what there is."""
    ((found, why),) = problems_of(file, f"[logger]\n{text}\n")
    assert found == path
    assert why.startswith(reason)


def test_what_is_refused_in_the_environment(file: Path) -> None:
    """The variable is named."""
    said = problems_of(file, "", {VARIABLE: "debug"})
    why = f'must be a table, not the text "debug" (set by {VARIABLE})'
    assert said == [("logger.log_levels", why)]
