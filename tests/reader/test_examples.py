"""The examples of docstrings are true, and every public method has one."""

from __future__ import annotations

import doctest
import importlib
import inspect
import pkgutil
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

import tick_logger
from tests.reader.example import write_example
from tick_logger import reader

MODULES = [
    tick_logger,
    *(
        importlib.import_module(f"{reader.__name__}.{each.name}")
        for each in pkgutil.iter_modules(reader.__path__)
    ),
]
OPTIONS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


@pytest.fixture
def example(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The recording that examples open as "data"."""
    write_example(tmp_path / "data")
    monkeypatch.chdir(tmp_path)
    return tmp_path / "data"


def examples(module: ModuleType) -> list[doctest.DocTest]:
    """Those of a module and of what is defined in it."""
    found = doctest.DocTestFinder().find(module, module.__name__)
    return [each for each in found if each.examples]


@pytest.mark.parametrize("module", [m for m in MODULES if examples(m)], ids=lambda m: m.__name__)
def test_examples(module: ModuleType, example: Path) -> None:
    """With what a reader of them has at hand: `rec`, and nothing else."""
    for each in examples(module):
        said: list[str] = []
        each.globs = {"tick_logger": tick_logger, "rec": tick_logger.open("data")}
        runner = doctest.DocTestRunner(optionflags=OPTIONS)
        runner.run(each, out=said.append)
        assert runner.failures == 0, "".join(said)


def public() -> Iterator[tuple[str, object]]:
    """What a user calls."""
    yield "open", tick_logger.open
    for owner in (tick_logger.Recording, tick_logger.Rows):
        for name, member in inspect.getmembers(owner):
            if not name.startswith("_") and (callable(member) or isinstance(member, property)):
                yield f"{owner.__name__}.{name}", member


PUBLIC = dict(public())


@pytest.mark.parametrize("name", PUBLIC)
def test_every_public_name_has_an_example(name: str) -> None:
    """One that runs."""
    text = inspect.getdoc(PUBLIC[name]) or ""
    assert ">>> " in text, name
    assert "+SKIP" not in text, name
