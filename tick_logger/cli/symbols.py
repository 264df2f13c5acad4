"""The command `symbols`: what a name is called on each exchange, as recordings or exchanges say.

Of a recording it reads the newest instruments file of each exchange, and nothing else.  Answers on
standard output, as a table or as one JSON object.  That a name is listed nowhere is an answer too,
and no wrong usage: it is said on standard error, with exit code 1.
"""

from __future__ import annotations

import difflib
import json
import sys
from collections.abc import Iterator, Mapping, Sequence

import attrs

from tick_logger import exit_codes
from tick_logger.errors import StorageError, words_of
from tick_logger.model.symbol_rules import SymbolRules
from tick_logger.model.symbols import MappedInstrument, SymbolMapper
from tick_logger.storage.files import Files
from tick_logger.storage.instruments_file import SavedInstruments, UnreadableError, decode
from tick_logger.storage.layout import InstrumentsPath, parse
from tick_logger.telemetry.logs import harmless

MAX_NEAR = 5
"""Near matches that are offered for a name that is not known."""

COLUMNS = {
    "exchange": "exchange",
    "symbol": "symbol",
    "pair": "pair",
    "base": "base",
    "quote": "quote",
    "quote type": "quote_type",
    "asset": "asset_class",
    "kind": "kind",
    "tick": "tick_size",
    "lot": "lot_size",
}


@attrs.frozen
class _Answer:
    """What was found under which names; `instead` stands in where an exchange has none."""

    names: Sequence[str]
    found: Sequence[MappedInstrument]
    instead: Sequence[MappedInstrument] = ()


def show_symbols(
    files: Files, data_path: str, rules: SymbolRules, name: str, related: str, *, as_json: bool
) -> int:
    """Answer for a name, or for the base `related` if the name is empty; returns the exit code.

    Raises `StorageError` if the directory cannot be read.
    """
    try:
        saved = list(newest_of_each_exchange(files))
    except OSError as error:
        raise StorageError(f"{data_path} cannot be read: {words_of(error)}") from error
    if not saved:
        return _nothing(f"no instruments are recorded in {data_path} yet")
    mapper = SymbolMapper((each for one in saved for each in one.instruments), rules)
    return _answer(mapper, name, related, as_json=as_json)


def show_listed(
    instruments: Sequence[MappedInstrument],
    failures: Mapping[str, str],
    rules: SymbolRules,
    name: str,
    related: str,
    *,
    as_json: bool,
) -> int:
    """The same of what exchanges list now; `failures` says of which nothing was heard, and why."""
    for exchange, why in failures.items():
        _complain(f"{exchange} could not be asked: {why}")
    if not instruments:
        return _nothing("no exchange could be asked")
    return _answer(SymbolMapper(instruments, rules), name, related, as_json=as_json)


def _answer(mapper: SymbolMapper, name: str, related: str, *, as_json: bool) -> int:
    answer = _named(mapper, name) if name else _related(mapper, related)
    if not answer.found:
        return _unknown(mapper, name, related)
    sys.stdout.write(_json(answer) if as_json else _tables(answer))
    return exit_codes.CLEAN


def newest_of_each_exchange(files: Files) -> Iterator[SavedInstruments]:
    """The newest readable instruments file of each exchange; raises `OSError`."""
    for folder in files.list():
        if not folder.endswith("/"):
            continue
        places = ((parse(folder + name), folder + name) for name in files.list(folder[:-1]))
        days = {where.day: path for where, path in places if isinstance(where, InstrumentsPath)}
        for day in sorted(days, reverse=True):
            try:
                yield decode(files.read(days[day]))
                break
            except UnreadableError as error:
                _complain(f"{days[day]} is left out: {error}")


# -- answers --------------------------------------------------------------------------------------


def _named(mapper: SymbolMapper, text: str) -> _Answer:
    names = mapper.spelled(text)
    found = [each for name in names for each in mapper.find(name)]
    have = {each.exchange for each in found}
    without = sorted({each.exchange for each in mapper.instruments} - have)
    instead = [each for e in without for name in names for each in mapper.alternatives(name, e)]
    return _Answer(names, found, instead)


def _related(mapper: SymbolMapper, base: str) -> _Answer:
    bases = mapper.bases(base)
    return _Answer(bases, [each for base in bases for each in mapper.find_related(base)])


def _unknown(mapper: SymbolMapper, name: str, related: str) -> int:
    if name and (bases := mapper.bases(name)):
        options = " or ".join(f"--related {base}" for base in bases)
        return _nothing(f'"{name}" is no symbol but a base: {options} shows everything of it')
    asked = name or related
    known = {each.name if name else each.base for each in mapper.instruments}
    near = difflib.get_close_matches(asked.upper(), sorted(known), n=MAX_NEAR)
    hint = f"; near: {', '.join(near)}" if near else ""
    what = "symbol" if name else "base"
    return _nothing(f'no {what} "{asked}" is listed on any recorded exchange{hint}')


def _nothing(reason: str) -> int:
    _complain(reason)
    return exit_codes.FOUND


def _complain(line: str) -> None:
    sys.stderr.write(f"tick_logger: {harmless(line)}\n")


# -- how they look --------------------------------------------------------------------------------


def _json(answer: _Answer) -> str:
    document = {
        "names": answer.names,
        "instruments": [attrs.asdict(each) for each in answer.found],
        "alternatives": [attrs.asdict(each) for each in answer.instead],
    }
    return json.dumps(document, indent=2) + "\n"


def _tables(answer: _Answer) -> str:
    names = ", ".join(answer.names)
    text = f"{harmless(names)}\n{_table(answer.found)}"
    if answer.instead:
        text += f"\ninstead of {harmless(names)}, where it is not listed\n{_table(answer.instead)}"
    return text


def _table(instruments: Sequence[MappedInstrument]) -> str:
    rows = [[*COLUMNS, "active"]]
    for each in instruments:
        facts = [str(getattr(each, fact)) or "-" for fact in COLUMNS.values()]
        rows.append([*(str(harmless(fact)) for fact in facts), "yes" if each.active else "no"])
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = (
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        for row in rows
    )
    return "".join(f"{line.rstrip()}\n" for line in lines)
