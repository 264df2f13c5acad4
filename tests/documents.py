"""Reads the project's documents: links, headings, tables and the paths that they name.

Markdown as far as these documents use it.  Not here: what must hold (`test_documents`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parent.parent

_FENCE = re.compile(r"(?ms)^```.*?^```$")
_CODE = re.compile(r"`[^`\n]*`")
_LINK = re.compile(r"!?\[(?:[^\[\]]|\[[^\]]*\])*\]\(([^)\s]+)\)")
_HEADING = re.compile(r"(?m)^#+ (.+)$")
_NAMED = re.compile(r"`((?:tick_logger|scripts|tests|config)/[\w./-]+)`")


def documents() -> list[Path]:
    """Every page of the project, the changelog included."""
    places = (ROOT / of for of in ("tick_logger", "scripts", "tests", "config"))
    pages = (page for place in places for page in place.rglob("*.md"))
    return sorted([*ROOT.glob("*.md"), *pages])


def name(page: Path) -> str:
    """Where a page is, from the root."""
    return page.relative_to(ROOT).as_posix()


def without_code(text: str) -> str:
    """The text without blocks of code, and without what is set as code."""
    return _CODE.sub("", _FENCE.sub("", text))


def links(text: str) -> list[str]:
    """The targets of all links and pictures; code in the text of a link does not hide it."""
    return _LINK.findall(_FENCE.sub("", text))


def blocks(text: str) -> str:
    """What stands in blocks of code."""
    return "\n".join(_FENCE.findall(text))


def anchors(text: str) -> set[str]:
    """What may follow the `#` of a link to this text: its headings, as browsers of code spell them.

    Raises `AssertionError` if two headings are spelled alike, as links could not tell them apart.
    """
    found = [_slug(heading) for heading in _HEADING.findall(_FENCE.sub("", text))]
    twice = {each for each in found if found.count(each) > 1}
    assert not twice, f"headings with the same anchor: {twice}"
    return set(found)


def named_paths(text: str) -> set[str]:
    """Paths from the root that a text names as code, without those that hold a placeholder."""
    return {path for path in _NAMED.findall(text) if "NAME" not in path}


def section(text: str, heading: str) -> str:
    """What stands below a heading, up to the next one of its level or above."""
    level, _, _ = heading.partition(" ")
    begin = re.search(rf"(?m)^{re.escape(heading)}$", text)
    assert begin is not None, heading
    rest = text[begin.end() :]
    end = re.search(rf"(?m)^#{{1,{len(level)}}} ", rest)
    return rest[: end.start()] if end else rest


def rows(text: str) -> Iterator[list[str]]:
    """The cells of each row of the tables of a text, without their heads."""
    lines = text.splitlines()
    for before, line in zip(["", *lines], lines, strict=False):
        is_head = line.startswith("|") and not before.startswith("|")
        if line.startswith("|") and not is_head and not set(line) <= set("|- "):
            yield [cell.strip() for cell in line.strip("|").split("|")]


def _slug(heading: str) -> str:
    shown = _LINK.sub("", heading).lower()
    return re.sub(r"[^\w\- ]", "", shown).strip().replace(" ", "-")
