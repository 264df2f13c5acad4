"""Tokens that open a part: what is refused, and that no message ever holds one."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.config.given import VENUES, problems_of
from tick_logger.config.load import load
from tick_logger.config.printing import render
from tick_logger.config.schema import TokenConfig
from tick_logger.config.tokens import token_of

TABLE = "[[http.tokens]]\nname = 'a'\npage = true\n"
VARIABLE = "TICK_LOGGER__HTTP__TOKENS"
SECRET = "hunter2"


def test_what_a_token_opens(file: Path) -> None:
    """All exchanges, unless some are named; metrics and the page only where that is said."""
    other = "[[http.tokens]]\nname = 'b'\ntoken = 'y'\nmetrics = true\nexchanges = ['beta']\n"
    file.write_text(f"{TABLE}token = 'x'\n{other}")
    assert load(file, {}, VENUES).http.tokens == (
        TokenConfig(name="a", token="x", exchanges="all", metrics=False, page=True),
        TokenConfig(name="b", token="y", exchanges=("beta",), metrics=True, page=False),
    )


def test_a_token_may_stand_in_a_file_of_its_own(file: Path) -> None:
    """Without the end of its line."""
    path = file.parent / "token"
    path.write_text(f"{SECRET}\n")
    file.write_text(f"{TABLE}file = '{path}'\n")
    config = load(file, {}, VENUES)
    assert token_of(config.http.tokens[0]) == SECRET
    assert SECRET not in render(config) + repr(config)


def test_tokens_come_from_the_environment() -> None:
    """As JSON; they are not shown."""
    text = f'[{{"name": "a", "token": "{SECRET}", "page": true}}]'
    config = load(None, {VARIABLE: text}, VENUES)
    assert [each.token for each in config.http.tokens] == [SECRET]
    assert 'token = "********"' in render(config)
    assert SECRET not in render(config) + repr(config)


@pytest.mark.parametrize(
    ("text", "path", "reason"),
    [
        (TABLE, "http.tokens[0]", "needs either a token or a file that holds one"),
        (
            f"{TABLE}token = '{SECRET}'\nexchanges = ['alpha', 'beto']\n",
            "http.tokens[0].exchanges[1]",
            'unknown exchange "beto"; available: alpha, beta; did you mean "beta"?',
        ),
        (
            f"[[http.tokens]]\nname = 'a'\ntoken = '{SECRET}'\n",
            "http.tokens[0]",
            "opens nothing: metrics and page are both false",
        ),
        (
            f"{TABLE}token = '{SECRET}'\n{TABLE}token = '{SECRET}2'\n",
            "http.tokens[1].name",
            '"a" is the name of another token already',
        ),
        (
            f"[http]\ntoken = '{SECRET}'\n{TABLE}token = '{SECRET}'\n",
            "http.tokens[0]",
            "holds the same token as token: nobody would know which one is meant",
        ),
        (
            f"{TABLE}token = '{SECRET}\\u0000'\n".replace("'", '"'),
            "http.tokens[0].token",
            "contains",
        ),
        (
            f"{TABLE}token = '{SECRET}'\nexchanges = []\n",
            "http.tokens[0].exchanges",
            "names nothing",
        ),
        (f"{TABLE}token = '{SECRET}'\npages = true\n", "http.tokens[0].pages", "unknown key"),
        (f"{TABLE}file = '/nowhere'\n", "http.tokens[0].file", 'there is no file "/nowhere"'),
        (f'{TABLE}token = ["{SECRET}"]\n', "http.tokens[0].token", "must be a text, not a list"),
        (f"[http]\ntokens = '{SECRET}'\n", "http.tokens", "must be a list, not a text"),
        (f"[http]\ntokens = ['{SECRET}']\n", "http.tokens[0]", "must be a table, not a text"),
        (f"{TABLE}token = 1{SECRET[-1]}\n", "http.tokens[0].token", "must be a text, not a number"),
        ("[http]\ntoken = 12\n", "http.token", "must be a text, not a number"),
    ],
)
def test_what_is_refused(file: Path, text: str, path: str, reason: str) -> None:
    """With its key, its line and the reason, and without any token."""
    ((found, why),) = problems_of(file, text)
    assert (found, why[: len(reason)]) == (path, reason)
    assert SECRET not in why


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "is empty"),
        (b" \n", "is empty"),
        (b"x" * 5000, "is longer than 4096 bytes, which no token is"),
        (b"\xff", "is not UTF-8 text"),
        (b"hunter2\nhunter3", "contains a control character or broken encoding"),
    ],
)
def test_files_that_hold_no_token(file: Path, content: bytes, reason: str) -> None:
    """Said before a start."""
    path = file.parent / "token"
    path.write_bytes(content)
    said = problems_of(file, f"{TABLE}file = '{path}'\n")
    assert [(at, why.removesuffix(" (line 4)")) for at, why in said] == [
        ("http.tokens[0].file", reason)
    ]


def test_what_is_refused_in_the_environment(file: Path) -> None:
    """The variable is named, and what it holds is not."""
    ((path, why),) = problems_of(file, "", {VARIABLE: SECRET})
    assert (path, why) == ("http.tokens[0]", f"must be a table, not a text (set by {VARIABLE})")
