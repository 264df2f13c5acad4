"""What a PromQL expression refers to: its metrics, with the labels that it asks of each.

A small tokenizer, not a parser: whether an expression is correct is promtool's business.  It knows
as much of the language as is needed to tell metrics from functions, keywords and labels, and the
variables of Grafana within strings and ranges.  Also here: what a `/metrics` text exports.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

import attrs

_TOKEN = re.compile(
    r"""
      (?P<space>\s+|\#[^\n]*)
    | (?P<string>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|`[^`]*`)
    | (?P<range>\[[^\]]*\])
    | (?P<duration>(?:[0-9]+(?:ms|[smhdwy]))+)
    | (?P<number>0x[0-9a-fA-F]+|(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)
    | (?P<word>[a-zA-Z_:][a-zA-Z0-9_:]*)
    | (?P<sign>=~|!~|!=|==|<=|>=|[-+*/%^<>=(){},@])
    """,
    re.VERBOSE,
)
_LABEL_LISTS = {"by", "without", "on", "ignoring", "group_left", "group_right"}
_KEYWORDS = {"and", "or", "unless", "offset", "bool", "atan2", "inf", "nan"}
_AGGREGATIONS = {
    "sum", "min", "max", "avg", "group", "stddev", "stdvar", "count", "count_values", "bottomk",
    "topk", "quantile",
}  # fmt: skip
_SUFFIXES = {
    "counter": ("_total",),
    "histogram": ("_bucket", "_count", "_sum"),
    "summary": ("", "_count", "_sum"),
}
FROM_PROMETHEUS = {"instance", "job"}
"""Labels that Prometheus puts on everything that it scrapes."""


@attrs.frozen
class Selector:
    """A metric, and the labels that are asked of it in braces."""

    metric: str
    labels: frozenset[str]


@attrs.frozen
class Reading:
    """The selectors of an expression, and the labels in lists such as `by (...)`."""

    selectors: tuple[Selector, ...]
    listed: frozenset[str]


def read(expression: str) -> Reading:
    """What the expression refers to; `ValueError` for what it does not understand."""
    tokens = list(_tokens(expression))
    selectors: list[Selector] = []
    listed: set[str] = set()
    at = 0
    while at < len(tokens):
        kind, text = tokens[at]
        following = tokens[at + 1][1] if at + 1 < len(tokens) else ""
        if text == "{":
            raise ValueError(f"a selector without a name: {expression}")
        if kind != "word" or text.lower() in _KEYWORDS:
            at += 1
        elif text.lower() in _LABEL_LISTS:
            words, at = _until(")", tokens, at + 1) if following == "(" else ([], at + 1)
            listed |= set(words)
        elif following == "(" or (text in _AGGREGATIONS and following in ("by", "without")):
            at += 1
        else:
            words, at = _until("}", tokens, at + 1) if following == "{" else ([], at + 1)
            selectors.append(Selector(text, frozenset(words)))
    return Reading(tuple(selectors), frozenset(listed))


def _tokens(expression: str) -> Iterator[tuple[str, str]]:
    at = 0
    while at < len(expression):
        found = _TOKEN.match(expression, at)
        if found is None:
            raise ValueError(f"what is {expression[at : at + 20]!r} in: {expression}")
        at = found.end()
        if found.lastgroup not in ("space", None):
            yield str(found.lastgroup), found.group()


def _until(close: str, tokens: list[tuple[str, str]], at: int) -> tuple[list[str], int]:
    """The words up to a closing sign, and the place behind it."""
    words = []
    while at < len(tokens) and tokens[at][1] != close:
        if tokens[at][0] == "word":
            words.append(tokens[at][1])
        at += 1
    if at == len(tokens):
        raise ValueError(f"no {close}")
    return words, at + 1


# -- what is there --------------------------------------------------------------------------------


def exported(metrics_text: str) -> dict[str, frozenset[str] | None]:
    """Every sample that a `/metrics` text can have, with its labels.

    Those of families that have no sample yet are there as well, with None: their labels are not
    known before the first.
    """
    found: dict[str, frozenset[str] | None] = {}
    for line in metrics_text.splitlines():
        if line.startswith("# TYPE "):
            _, _, family, kind = line.split(" ")
            base = family.removesuffix("_total") if kind == "counter" else family
            for suffix in _SUFFIXES.get(kind, ("",)):
                found.setdefault(base + suffix, None)
        elif line and not line.startswith("#"):
            match = re.match(r"([a-zA-Z_:][a-zA-Z0-9_:]*)(\{.*\})? ", line)
            assert match is not None, line
            labels = re.findall(r'([a-zA-Z_][a-zA-Z0-9_]*)="(?:[^"\\]|\\.)*"', match[2] or "")
            found[match[1]] = (found.get(match[1]) or frozenset()) | set(labels)
    return found


def complaints(expressions: Iterable[str], known: Mapping[str, frozenset[str] | None]) -> list[str]:
    """Each metric that nothing exports, and each label that its metric does not have."""
    found: list[str] = []
    every_label = FROM_PROMETHEUS.union(*(labels or () for labels in known.values()))
    for expression in expressions:
        reading = read(expression)
        for selector in reading.selectors:
            if selector.metric not in known:
                found.append(f"nothing exports {selector.metric}: {expression}")
                continue
            labels = known[selector.metric]
            if labels is not None:
                for label in sorted(selector.labels - labels - FROM_PROMETHEUS):
                    found.append(f"{selector.metric} has no label {label}: {expression}")
        for label in sorted(reading.listed - every_label):
            found.append(f"nothing has a label {label}: {expression}")
    return found
