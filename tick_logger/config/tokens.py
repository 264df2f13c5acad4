"""Tokens that open a part of what is served over HTTP: what they must be together, and their files.

Invariant: no message contains a token, nor a value that might be one.

Not here: what a token opens (`tick_logger.ops.web.scopes`).
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from pathlib import Path

from tick_logger.config.rules import hint, listed, quoted, secret
from tick_logger.config.schema import HttpConfig, TokenConfig

MAX_FILE_BYTES = 4096
"""A token has some dozens; a larger file is something else."""

_HOLDS = re.compile(r"the (text|number) .*", re.DOTALL)


def token_of(config: TokenConfig) -> str:
    """The token itself, from its file if it has one; raises `ValueError` with the reason."""
    if not config.file:
        return config.token
    try:
        with Path(config.file).open("rb") as file:
            content = file.read(MAX_FILE_BYTES + 1)
        text = content.decode().strip()
    except OSError as error:
        raise ValueError(f"cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise ValueError("is not UTF-8 text") from None
    if len(content) > MAX_FILE_BYTES:
        raise ValueError(f"is longer than {MAX_FILE_BYTES} bytes, which no token is")
    if reason := secret(text):
        raise ValueError(reason)
    if not text:
        raise ValueError("is empty")
    return text


def token_conflicts(http: HttpConfig, exchanges: Collection[str]) -> Iterator[tuple[str, str]]:
    """What is wrong with tokens whose single values are right; `exchanges` are those there are."""
    names: set[str] = set()
    known = {http.token: "token"} if http.token else {}
    for index, each in enumerate(http.tokens):
        at = f"tokens[{index}]"
        if each.name in names:
            yield f"{at}.name", f"{quoted(each.name)} is the name of another token already"
        names.add(each.name)
        if bool(each.token) == bool(each.file):
            yield at, "needs either a token or a file that holds one"
            continue
        if not (each.metrics or each.page):
            yield at, "opens nothing: metrics and page are both false"
        for place, exchange in enumerate(each.exchanges if each.exchanges != "all" else ()):
            if exchange not in exchanges:
                near = f"; available: {listed(tuple(exchanges))}{hint(exchange, exchanges)}"
                yield f"{at}.exchanges[{place}]", f"unknown exchange {quoted(exchange)}{near}"
        try:
            token = token_of(each)
        except ValueError as error:
            yield f"{at}.file", str(error)
            continue
        if token in known:
            yield (
                at,
                f"holds the same token as {known[token]}: nobody would know which one is meant",
            )
        known.setdefault(token, at)


def without_secrets(path: str, reason: str) -> str:
    """The reason without the value, where that may be a token."""
    if not path.startswith("http.token"):
        return reason
    return _HOLDS.sub(r"a \1", reason)
