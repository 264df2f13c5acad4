"""The list of mutations fits the code, and a mutation that does not fit is an error."""

from __future__ import annotations

from pathlib import Path

import attrs
import pytest

from scripts.mutation.instruments import failed_assertion
from scripts.mutation.mutations import MisfitError, Mutation, check, load

ROOT = Path(__file__).parents[2]
MUTATION = Mutation(name="m", breaks="b", file="code.py", old="x = 1", new="x = 2")


def test_the_list_fits_the_code() -> None:
    """Every mutation finds the place that it breaks; adapt `mutations.toml` to the code if not."""
    check(load(), ROOT)


def test_a_mutation_takes_the_place_of_the_code(tmp_path: Path) -> None:
    """Nothing else of the file changes."""
    path = tmp_path / "code.py"
    path.write_text("x = 1\ny = 1\n")
    MUTATION.apply(tmp_path)
    assert path.read_text() == "x = 2\ny = 1\n"


@pytest.mark.parametrize(
    "test", ["tests/test_a.py::test_that_is_not", "tests/test_b.py::test_that_is"]
)
def test_a_test_that_is_known_to_notice_is_there(tmp_path: Path, test: str) -> None:
    """A name that is out of date would cost the time that it is to save."""
    (tmp_path / "code.py").write_text("x = 1\n")
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests/test_a.py").write_text("def test_that_is() -> None:\n    pass\n")
    check([attrs.evolve(MUTATION, noticed_by="tests/test_a.py::test_that_is")], tmp_path)
    with pytest.raises(MisfitError, match="test_"):
        check([attrs.evolve(MUTATION, noticed_by=test)], tmp_path)


@pytest.mark.parametrize("text", ["y = 1\n", "x = 1\nx = 1\n"])
def test_a_mutation_fits_exactly_once(text: str) -> None:
    """Otherwise nobody would know what was tried."""
    with pytest.raises(MisfitError, match="its old text is"):
        MUTATION.mutated(text)


def test_a_mutation_leaves_python() -> None:
    """A syntax error would be noticed by everything, and show nothing."""
    with pytest.raises(MisfitError, match="is no Python"):
        attrs.evolve(MUTATION, new="x =").mutated("x = 1\n")


NATIVE = """
Traceback (most recent call last):
  File "/tmp/copy/tests/storage/test_columns.py", line 7, in test_it
    put(made)
  File "/tmp/copy/{file}", line 12, in put
    assert not rest
           ^^^^^^^^
AssertionError: left
FAILED tests/storage/test_columns.py::test_it
"""


@pytest.mark.parametrize(
    ("output", "place"),
    [
        (NATIVE.format(file="tick_logger/storage/columns.py"), "tick_logger/storage/columns.py:12"),
        (NATIVE.format(file="tests/storage/stored.py"), ""),
        (NATIVE.format(file="tick_logger/a.py").replace("Assertion", "OS"), ""),
        (NATIVE.format(file="tick_logger/a.py").replace("\n", "\n  | "), "tick_logger/a.py:12"),
        ("1 passed", ""),
    ],
)
def test_who_has_noticed(output: str, place: str) -> None:
    """An assertion of the program, or of a test; alone or in a group of errors."""
    assert failed_assertion(output) == place
