"""Where in a TOML file something stands, and where it should stand: for messages.

The lines are found by looking at the text, not by parsing it: what is not found so has no line.
Not here: what is wrong.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping

import attrs

from tick_logger.config.schema import ExchangeConfig, MarketConfig, TokenConfig, sections

_HEADER = re.compile(r"\s*(\[\[?)\s*([^\[\]#]+?)\s*\]\]?\s*(?:#.*)?")
_KEY = re.compile(r"""\s*([A-Za-z0-9_.\-"' ]+?)\s*=""")
_UNKNOWN = ("unknown key", "unknown section")


def with_lines(problems: Iterable[tuple[str, str]], text: str) -> list[tuple[str, str]]:
    """Each problem with the number of its line in this file, where it stands in it."""
    lines = _lines(text)
    return [(path, reason + _line_of(path, reason, lines)) for path, reason in problems]


def with_home(path: str, reason: str) -> str:
    """The reason why a key is refused; if it is known elsewhere, with the section it belongs to."""
    key = path.rpartition(".")[2]
    homes = [home for home, known in _homes() if key in known]
    if not homes or not reason.startswith(_UNKNOWN):
        return reason
    return f"is unknown here; it belongs under [{homes[0]}]"


def _homes() -> Iterator[tuple[str, Mapping[str, object]]]:
    for name, kind in sections().items():
        fields = attrs.fields_dict(kind)
        yield name, fields
        inner = ((key, type(each.default)) for key, each in fields.items())
        yield from ((f"{name}.{key}", attrs.fields_dict(of)) for key, of in inner if attrs.has(of))
    yield "[http.tokens]", attrs.fields_dict(TokenConfig)
    yield "exchanges.NAME", attrs.fields_dict(ExchangeConfig)
    yield "[exchanges.NAME.markets]", attrs.fields_dict(MarketConfig)


def _lines(text: str) -> dict[str, int]:
    """The line, from 1, on which each section and each key begins."""
    found: dict[str, int] = {}
    section, tables = "", Counter[str]()
    for number, line in enumerate(text.splitlines(), 1):
        if header := _HEADER.fullmatch(line):
            section = _plain(header[2])
            if header[1] == "[[":
                tables[section] += 1
                section = f"{section}[{tables[section] - 1}]"
            found.setdefault(section, number)
        elif key := _KEY.match(line):
            path = _plain(key[1])
            found.setdefault(f"{section}.{path}" if section else path, number)
    return found


def _plain(dotted: str) -> str:
    return ".".join(part.strip(" \"'") for part in dotted.split("."))


def _line_of(path: str, reason: str, lines: Mapping[str, int]) -> str:
    if "(set by " in reason or "(line " in reason or "at line " in reason:
        return ""
    while path not in lines:
        shorter = re.sub(r"(\.[^.\[]*|\[\d+\])$", "", path)
        if shorter == path:
            return ""
        path = shorter
    return f" (line {lines[path]})"
