"""A dialogue: what a venue says, and when, as rules in a JSON lines file.

Each line is a rule; one with nothing but a `remark` is for people.

  {"http": PREFIX, "status": 200, "headers": {}, "body": TEXT, "from_secs": 0, "until_secs": 9e9}
      answers a REST request whose target begins so, while the dialogue is so old;
  {"on": "upgrade", "status": S, "headers": {}}    refuses every upgrade;
  {"on": "open", "send": [...]}                    is said first on each connection;
  {"on": "message", "has": TEXT, "lacks": TEXT, "for_each": PATH, "until_secs": S, "send": [...],
   "accept": true or "each", "only": TEXT, "ends": TEXT, "close": [CODE, REASON],
   "but": {"each": [...], "until_secs": S, "send": [...]}}
      answers a message: the first rule that fits does.  `until_secs` counts from the first message
      of the dialogue.  With `for_each` all is sent for each element of that part of the request;
      `but` is what those it names are sent instead.  `accept` grants the request (or the part
      `only`, or each element that was not in `but`), and `ends` takes back what has this text;
  {"every_secs": S, "asked": TEXT, "from_n": N, "until_n": N, "each_n": N, "send": [...]}
      is said again and again on a connection, counted while something with this text is granted.

`send` has texts, or {"sleep": S} in answers.  In texts <<now_ms>>, <<now_us>> and <<iso>> are the
time, also as <<now_ms+S>>; <<n>> and <<n+K>> count the rule's turns on the connection, from 1;
<<seq>> counts what is said on the connection, from 0; <<each>> is the element (as JSON where it is
no text); <<PATH>> is a part of the request as JSON.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeAlias

import attrs

Rule: TypeAlias = Mapping[str, Any]

FOR_EVER = 9e9
_PLACE = re.compile(r"<<([\w.]+?)(?:\+(-?[\d.]+))?>>")


def rules_of(path: Path) -> list[Rule]:
    """The rules of a file, in order."""
    lines = path.read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines if line.strip()]


@attrs.frozen(kw_only=True)
class Said:
    """What texts are filled with."""

    now_ns: int
    numbers: Iterator[int]
    turn: int = 0
    each: Any = ""
    request: Any = None

    def fill(self, text: Any) -> str:  # noqa: ANN401 - a text, or JSON that becomes one
        """The text with all its places filled."""
        plain = text if isinstance(text, str) else json.dumps(text, ensure_ascii=False)
        return _PLACE.sub(lambda place: self._value(place[1], place[2] or "0"), plain)

    def _value(self, name: str, more: str) -> str:
        match name:
            case "n":
                return str(self.turn + int(more))
            case "seq":
                return str(next(self.numbers))
            case "each":
                return self.each if isinstance(self.each, str) else json.dumps(self.each)
            case "now_ms" | "now_us" | "iso":
                return _TIMES[name](self.now_ns + round(float(more) * 1e9))
        return json.dumps(part(self.request, name))


def part(tree: Any, path: str) -> Any:  # noqa: ANN401 - any JSON
    """What lies in JSON at a path such as `params.symbol` or `args.0`; raises if nothing does."""
    for step in path.split("."):
        tree = tree[int(step)] if step.isdigit() else tree[step]
    return tree


def rest_rule(rules: Sequence[Rule], target: str, age_secs: float) -> Rule | None:
    """The rule that answers a REST request."""
    fitting = (
        rule
        for rule in rules
        if target.startswith(rule.get("http", "\0"))
        and rule.get("from_secs", 0.0) <= age_secs < rule.get("until_secs", FOR_EVER)
    )
    return next(fitting, None)


def answer_rule(rules: Sequence[Rule], text: str, age_secs: float) -> Rule | None:
    """The rule that answers a message, so long after the first."""
    fitting = (
        rule
        for rule in rules
        if rule.get("on") == "message"
        and rule.get("has", "") in text
        and not (rule.get("lacks") and rule["lacks"] in text)
        and age_secs < rule.get("until_secs", FOR_EVER)
    )
    return next(fitting, None)


def _iso(ns: int) -> str:
    moment = datetime.fromtimestamp(ns // 10**9, UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{ns % 10**9 // 1000:06d}Z"


_TIMES: dict[str, Callable[[int], str]] = {
    "now_ms": lambda ns: str(ns // 10**6),
    "now_us": lambda ns: str(ns // 10**3),
    "iso": _iso,
}
