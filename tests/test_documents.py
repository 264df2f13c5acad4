"""The documents are true as far as a program can tell: links, paths, tables, sizes."""

from __future__ import annotations

import re
import tomllib
from datetime import date
from pathlib import Path

import pytest

from tests import documents
from tests.architecture import MAY_IMPORT, MAY_IMPORT_ALL
from tests.documents import ROOT, anchors, links, named_paths, rows, section
from tick_logger.exchanges import registry
from tick_logger.model.tables import SPECS, UUID_DTYPE, Table
from tick_logger.telemetry.hole_metrics import OTHER_CAUSE
from tick_logger.version import __version__

PAGES = documents.documents()
FIRST = ROOT / "README.md"
ARCHITECTURE = ROOT / "tick_logger" / "README.md"
FILES = ROOT / "tick_logger" / "storage" / "README.md"
EXCHANGES = ROOT / "tick_logger" / "exchanges" / "README.md"
RUNBOOK = ROOT / "config" / "prometheus" / "README.md"

MOST_LINES_OF_THE_FIRST_PAGE = 150
MOST_FILES_TO_OPEN = (4, 4, 5, 4)
"""For a field in a column that exists, in a new one, for a wrong gap record, for a slow flush."""


def words(cell: str) -> list[str]:
    """What is set as code in a cell."""
    return re.findall(r"`([^`]+)`", cell)


def in_words(dtype: str) -> str:
    """A dtype as the page on files writes it."""
    known = {"price": "f4", UUID_DTYPE: "16 bytes"}
    return known.get(dtype) or re.sub(r"\((\d),\)", "\\1 \u00d7 ", dtype)


def test_every_page_is_found() -> None:
    """Those that the first page names, and so all that there are."""
    linked = {(ROOT / each.partition("#")[0]).resolve() for each in links(FIRST.read_text())}
    assert len(PAGES) >= 8
    assert {page for page in PAGES if page != FIRST} <= linked


def test_the_first_page_is_short() -> None:
    """Whoever comes first reads it to its end."""
    assert FIRST.read_text().count("\n") <= MOST_LINES_OF_THE_FIRST_PAGE


@pytest.mark.parametrize("page", PAGES, ids=documents.name)
def test_links_lead_somewhere(page: Path) -> None:
    """To a file of the project, and to a heading in it."""
    text = page.read_text()
    broken = []
    for link in links(text):
        assert not link.startswith("/"), f"{link} works on one machine only"
        if re.match(r"[a-z]+:", link):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        is_there = target.exists() and target.is_relative_to(ROOT)
        if not is_there or (anchor and anchor not in anchors(target.read_text())):
            broken.append(link)
    assert broken == []


@pytest.mark.parametrize("page", PAGES, ids=documents.name)
def test_paths_that_are_named_exist(page: Path) -> None:
    """Files and folders, from the root."""
    named = named_paths(page.read_text())
    assert {path for path in named if not (ROOT / path).exists()} == set()


@pytest.mark.parametrize("page", PAGES, ids=documents.name)
def test_scripts_that_are_called_exist(page: Path) -> None:
    """In blocks of code too, where nothing else is checked."""
    called = set(re.findall(r"(?<![\w/])(?:\./)?scripts/([\w-]+)\b(?!\.\w)", page.read_text()))
    assert {each for each in called if not (ROOT / "scripts" / each).exists()} == set()


def test_commands_that_are_shown_exist() -> None:
    """Behind `scripts/run` and `tick_logger`, in every page."""
    from tick_logger.cli.main import app

    shown = set()
    for page in PAGES:
        blocks = documents.blocks(page.read_text())
        shown |= set(re.findall(r"(?m)^(?:\./)?(?:scripts/run|tick_logger) ([a-z][\w-]+)", blocks))
    assert {"demo", "verify"} <= shown
    assert shown <= {each for each in app if not each.startswith("-")}


def test_every_script_is_described() -> None:
    """In the table of its page."""
    scripts = {path.name for path in (ROOT / "scripts").iterdir() if path.is_file()}
    described = {word for cells in rows((ROOT / "scripts/README.md").read_text())
                 for word in re.findall(r"^\[`([\w-]+)`\]", cells[0])}  # fmt: skip
    assert described == {each for each in scripts if "." not in each}


def test_the_table_of_packages_is_that_of_the_rules() -> None:
    """Each package, and what it may import, as `architecture` enforces it."""
    documented = {}
    for package, what, imports in rows(section(ARCHITECTURE.read_text(), "## Packages")):
        assert what, package
        documented[words(package)[0]] = None if imports == "everything" else set(words(imports))
    enforced: dict[str, set[str] | None] = {**MAY_IMPORT, **dict.fromkeys(MAY_IMPORT_ALL)}
    assert documented == enforced


def test_the_table_of_packages_is_that_of_the_sources() -> None:
    """None is missing, and none is there any more."""
    top = ROOT / "tick_logger"
    folders = {path.parent for path in top.rglob("*.py")} - {top}
    packages = {path.relative_to(top).as_posix().replace("/", ".") for path in folders}
    modules = {path.stem for path in top.glob("*.py")}
    apart = {each for each in MAY_IMPORT if (top / f"{each.replace('.', '/')}.py").is_file()}
    table = rows(section(ARCHITECTURE.read_text(), "## Packages"))
    documented = {words(cells[0])[0] for cells in table}
    assert documented == modules | apart | packages - {"simulator.dialects"}


def test_every_folder_of_tests_has_its_place_on_the_map() -> None:
    """It is named as a package, or described."""
    folders = {path.parent.name for path in (ROOT / "tests").glob("*/__init__.py")}
    packages = {path.parent.name for path in (ROOT / "tick_logger").glob("*/__init__.py")}
    table = rows(section((ROOT / "tests/README.md").read_text(), "## A map of the folders"))
    assert {words(cells[0])[0] for cells in table} == folders - packages


def test_words_of_the_glossary_stand_in_their_home() -> None:
    """In order, each once, and in the file that is named."""
    glossary = list(rows(section(ARCHITECTURE.read_text(), "## Glossary")))
    heads = [cells[0].lower() for cells in glossary]
    assert len(heads) > 40
    assert heads == sorted(set(heads))
    for word, meaning, home in glossary:
        (path,) = words(home)
        text = (ARCHITECTURE.parent / path).read_text().lower()
        stem = word.partition(" (")[0].lower().replace("-", "").split()[-1][:4]
        assert meaning, word
        assert stem in text.replace("-", ""), f"{word} does not stand in {path}"


def test_a_stranger_opens_few_files() -> None:
    """Each question is answered by so many at most; that they exist is checked above."""
    text = section(ARCHITECTURE.read_text(), "## A stranger's questions")
    opened = [len(re.findall(r"(?m)^\d\. \[`", part)) for part in text.split("\n### ")[1:]]
    assert len(opened) == len(MOST_FILES_TO_OPEN)
    assert all(n <= most for n, most in zip(opened, MOST_FILES_TO_OPEN, strict=True)), opened


def test_columns_are_those_that_are_written() -> None:
    """Names and dtypes of each table, in the order in which they are written."""
    documented = {}
    for table, columns in rows(section(FILES.read_text(), "## Column files")):
        if table.partition(" ")[0].strip("`") in set(Table):
            pairs = re.findall(r"`(\w+)` (16 bytes|(?:\d . )?\w\d)", columns)
            documented[words(table)[0]] = pairs
    written = {
        str(table): [(each.name, in_words(each.dtype)) for each in spec.files if not each.late_only]
        for table, spec in SPECS.items()
    }
    assert documented == written


def test_causes_are_those_that_are_written() -> None:
    """The list on the page on files is that of the runbook, which has one word for all others."""
    table = rows(section(FILES.read_text(), "### Causes of holes"))
    runbook = rows(section(RUNBOOK.read_text(), "## GapOpened"))
    known = [word for cells in runbook for word in words(cells[0]) if word != OTHER_CAUSE]
    assert sorted(words(cells[0])[0] for cells in table) == sorted(known)


def test_what_an_exchange_can_prove_is_what_it_declares() -> None:
    """By table; the first page says the same in short."""
    text = section(EXCHANGES.read_text(), "## What each exchange can prove")
    documented = {words(cells[0])[0]: cells[1:5] for cells in rows(text)}
    tables = [Table.TRADES, Table.BOOK, Table.MD, Table.QUOTES]
    declared = {
        each: [registry.get(each).proofs[table].word for table in tables]
        for each in registry.available()
    }
    assert documented == declared
    in_short = section(FIRST.read_text(), "## What each exchange can prove")
    for exchange, trades, books in rows(in_short):
        assert declared[exchange.lower().replace(" ", "_")][:2] == [trades, books]


def test_sections_of_the_configuration_are_the_exchanges() -> None:
    """All that can be configured."""
    text = section((ROOT / "config/README.md").read_text(), "### Sections")
    assert set(words(text.split(". ")[0])) - {"exchanges"} == set(registry.available())


def test_the_changelog_begins_with_this_version() -> None:
    """With its day; and the package takes its version from the sources."""
    newest = re.findall(r"(?m)^## (\S+) - (\S+)$", (ROOT / "CHANGELOG.md").read_text())[0]
    assert newest[0] == __version__
    assert date.fromisoformat(newest[1])
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    assert "version" in project["project"]["dynamic"]
    assert project["tool"]["setuptools"]["dynamic"]["version"] == {
        "attr": "tick_logger.version.__version__"
    }


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("[a](x.md)", ["x.md"]),
        ("[`a`](x.md#y) and ![b](c.png)", ["x.md#y", "c.png"]),
        ("```\n[a](x.md)\n```", []),
    ],
)
def test_links_are_seen(text: str, found: list[str]) -> None:
    """Or none would be checked."""
    assert links(text) == found


def test_headings_become_anchors() -> None:
    """As browsers of code make them."""
    text = "# A b\n## `late/`: c, d\n```\n# no heading\n```\n### A-b's\n"
    assert anchors(text) == {"a-b", "late-c-d", "a-bs"}
