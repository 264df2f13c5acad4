"""The list of mutations, and how one is put into a copy of the checkout.

Invariant: a mutation that no longer fits the code is an error, so the list cannot rot.
"""

from __future__ import annotations

import ast
import tomllib
from collections.abc import Sequence
from pathlib import Path

import attrs
import msgspec

LIST = Path(__file__).parent / "mutations.toml"


class MisfitError(Exception):
    """The list, or an entry of it, cannot be used; the message says why."""


@attrs.frozen(kw_only=True)
class Mutation:
    """A defect: in `file`, `new` stands in place of `old`, which occurs there exactly once.

    `noticed_by` is a test that has noticed it, as pytest names it without parameters, or empty: it
    is tried first.  `undetectable` is the reason why no test can be expected to notice, or empty.
    """

    name: str
    breaks: str
    file: str
    old: str
    new: str
    noticed_by: str = ""
    undetectable: str = ""

    def apply(self, root: Path) -> None:
        """Put the defect into the checkout at `root`; raises `MisfitError` if it does not fit."""
        path = root / self.file
        path.write_text(self.mutated(path.read_text()))

    def mutated(self, text: str) -> str:
        """The file's text with the defect; raises `MisfitError`."""
        count = text.count(self.old)
        if count != 1:
            raise MisfitError(f"{self.name}: its old text is {count} times in {self.file}")
        text = text.replace(self.old, self.new)
        try:
            ast.parse(text)
        except SyntaxError as error:
            raise MisfitError(f"{self.name}: {self.file} is no Python then: {error}") from error
        return text


@attrs.frozen
class _List:
    mutation: tuple[Mutation, ...]


def load() -> Sequence[Mutation]:
    """All mutations, in the order of the list; raises `MisfitError` if it cannot be read."""
    try:
        found = msgspec.convert(tomllib.loads(LIST.read_text()), _List).mutation
    except (tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise MisfitError(f"{LIST.name}: {error}") from error
    names = [each.name for each in found]
    if len(set(names)) < len(names):
        raise MisfitError(f"{LIST.name}: two mutations have the same name")
    return found


def check(mutations: Sequence[Mutation], root: Path) -> None:
    """Raise `MisfitError` for all mutations that do not fit the checkout at `root`."""
    misfits = []
    for mutation in mutations:
        try:
            mutation.mutated((root / mutation.file).read_text())
            if mutation.noticed_by:
                _check_test(mutation, root)
        except (MisfitError, FileNotFoundError) as error:
            misfits.append(str(error))
    if misfits:
        raise MisfitError("\n".join(misfits))


def _check_test(mutation: Mutation, root: Path) -> None:
    file, _, name = mutation.noticed_by.partition("::")
    if f"def {name}(" not in (root / file).read_text():
        raise MisfitError(f"{mutation.name}: there is no test {mutation.noticed_by}")
