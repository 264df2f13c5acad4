"""A configuration as TOML with every key, which loads as the same configuration again.

But for secrets: what is printed is pasted into tickets, and stays in scrollback.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import attrs

from tick_logger.config.rules import MASK
from tick_logger.config.schema import Config

SECRETS = frozenset({"token", "webhook"})
"""Keys whose values are not shown."""

_CREDENTIALS = re.compile(r"(?<=://)[^/@\s]+(?=@)")
"""A user and a password in an address."""


def render(config: Config) -> str:
    """The text; keys that are None are left out, as TOML has no word for that."""
    lines: list[str] = []
    for name, value in _values(config):
        tables = {name: value} if attrs.has(type(value)) else _named(name, value)
        for path, section in tables.items():
            lines += _table(f"[{path}]", path, section)
    return "\n".join(lines).lstrip("\n") + "\n"


def _named(name: str, tables: dict[str, Any]) -> dict[str, Any]:
    return {f"{name}.{key}": value for key, value in tables.items()}


def _table(header: str, path: str, section: attrs.AttrsInstance) -> Iterator[str]:
    """A table, and behind its keys those within it."""
    yield f"\n{header}"
    inner: list[str] = []
    for key, value in _values(section):
        at = f"{path}.{key}"
        if attrs.has(type(value)):
            inner += _table(f"[{at}]", at, value)
        elif _is_tables(value):
            for each in value:
                inner += _table(f"[[{at}]]", at, each)
        elif value is not None:
            yield f"{key} = {_toml(MASK if key in SECRETS and value else value)}"
    yield from inner


def _values(section: attrs.AttrsInstance) -> Iterator[tuple[str, Any]]:
    return ((field.name, getattr(section, field.name)) for field in attrs.fields(type(section)))


def _is_tables(value: object) -> bool:
    """Whether this is a list of tables, which are not written as a value."""
    return isinstance(value, tuple) and all(attrs.has(type(each)) for each in value)


def _toml(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        shown = _CREDENTIALS.sub(MASK, value)
        return json.dumps(shown, ensure_ascii=False)  # its escapes are those of a TOML string
    if isinstance(value, dict):
        return f"{{{', '.join(f'{_toml(key)} = {_toml(of)}' for key, of in value.items())}}}"
    if isinstance(value, tuple):
        return f"[{', '.join(_toml(each) for each in value)}]"
    return repr(value)
