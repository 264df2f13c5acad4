"""The files of the status page: complete, small, and fit for a strict Content-Security-Policy."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import tick_logger

PACKAGE = Path(tick_logger.__file__).parent
PAGE = PACKAGE / "ops" / "web" / "page"
FILES = {path.name: path.read_text(encoding="utf-8") for path in sorted(PAGE.iterdir())}
SCRIPTS = {name: text for name, text in FILES.items() if name.endswith(".js")}
NAMESPACES = {"http://www.w3.org/2000/svg"}  # a name, never asked for


def test_each_file_named_by_another_is_there_and_none_is_forgotten() -> None:
    """What the page loads is what lies beside it."""
    named = set(re.findall(r'"page/([^"]+)"', FILES["index.html"]))
    for text in SCRIPTS.values():
        named |= set(re.findall(r'from "\./([^"]+)"', text))
    assert {"index.html", *named} == set(FILES)


def test_the_files_are_installed_with_the_package() -> None:
    """The pattern of the package's data takes them all."""
    project = PACKAGE.parent / "pyproject.toml"
    data = tomllib.loads(project.read_text())["tool"]["setuptools"]["package-data"]["tick_logger"]
    assert "ops/web/page/*" in data
    assert {path.name for path in PACKAGE.glob("ops/web/page/*")} == set(FILES)


def test_nothing_is_inline_and_nothing_comes_from_elsewhere() -> None:
    """No handler, style or script in the markup, and no address of another host."""
    markup = FILES["index.html"]
    assert not re.findall(r"<[^>]*\s(?:on\w+|style)\s*=", markup)
    assert "<style" not in markup
    assert re.findall(r"<script[^>]*>[^<]", markup) == []
    for name, text in FILES.items():
        assert set(re.findall(r"https?://[^\"'\s)]+", text)) <= NAMESPACES, name


def test_texts_cannot_become_markup() -> None:
    """No script uses what parses text as markup or as a program."""
    parsers = r"innerHTML|outerHTML|AdjacentHTML|document\.write|DOMParser|\beval\b|Function\("
    for name, text in SCRIPTS.items():
        assert re.findall(parsers, text) == [], name


def test_each_file_is_small_and_says_what_it_is_for() -> None:
    """At most 400 lines; scripts begin with a text."""
    for name, text in FILES.items():
        assert text.count("\n") <= 400, name
    for name, text in SCRIPTS.items():
        assert text.startswith("/** "), name
