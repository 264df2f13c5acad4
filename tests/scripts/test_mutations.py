"""The list of mutations fits the code, and a mutation that does not fit is an error."""

from __future__ import annotations

from pathlib import Path

import attrs
import pytest

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


@pytest.mark.parametrize("text", ["y = 1\n", "x = 1\nx = 1\n"])
def test_a_mutation_fits_exactly_once(text: str) -> None:
    """Otherwise nobody would know what was tried."""
    with pytest.raises(MisfitError, match="its old text is"):
        MUTATION.mutated(text)


def test_a_mutation_leaves_python() -> None:
    """A syntax error would be noticed by everything, and show nothing."""
    with pytest.raises(MisfitError, match="is no Python"):
        attrs.evolve(MUTATION, new="x =").mutated("x = 1\n")
