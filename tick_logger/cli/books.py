"""The command `book`: the order book of a symbol as it was at a moment."""

from __future__ import annotations

import json as json_library
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import cyclopts

from tick_logger import exit_codes
from tick_logger.cli import columns
from tick_logger.cli.pairs import Pairs, pairs, say_are
from tick_logger.cli.reading import NotThereError, moment, opened, reading, say
from tick_logger.errors import ConfigError
from tick_logger.telemetry.logs import first_few

if TYPE_CHECKING:
    from tick_logger.reader.book import Book


def book_command(
    directory: Path,
    symbol: str,
    /,
    *,
    at: str,
    depth: int = 10,
    json: Annotated[bool, cyclopts.Parameter(negative="")] = False,
) -> int:
    """Show the order book at a moment; exit code 1 if there is none, or it is broken.

    Parameters
    ----------
    directory
        What was recorded into.
    symbol
        coinbase:BTC-USD, or a name that only one exchange has.
    at
        A time, or how long ago it is: 2026-11-29T18:55:00Z, 5m.
    depth
        So many levels of each side.
    json
        Print one JSON object.
    """
    if depth < 1:
        raise ConfigError([("--depth", f"must be a number above zero, not {depth}")])
    recording = opened(directory)
    at_ns = moment("--at", at)
    with reading(directory):
        found = recording.find(symbol)
        if len(found) > 1:
            several = ", ".join(first_few(found))
            raise NotThereError(f"{symbol} is several: {several}; name one of them")
        say_are(symbol, found)
        called = pairs(recording)
        book = recording.book(found[0], at_ns, depth=depth)
    sys.stdout.write(_as_json(book, called) if json else _shown(book, called))
    if book.broken:
        say(f"it is not known to be right: {book.cause}")
    return exit_codes.FOUND if book.broken else exit_codes.CLEAN


def _as_json(book: Book, called: Pairs) -> str:
    as_of = int(book.as_of.astype("int64"))
    document = {
        "symbol": str(book.symbol),
        "pair": called.known(str(book.symbol)),
        "at": _text(int(book.at.astype("int64"))),
        "as_of": None if as_of < 0 else _text(as_of),
        "broken": book.broken,
        "cause": book.cause,
        "bids": book.bids.tolist(),
        "asks": book.asks.tolist(),
    }
    return json_library.dumps(document) + "\n"


def _shown(book: Book, called: Pairs) -> str:
    """Asks above bids, the best in the middle, as on a screen for trading."""
    as_of = int(book.as_of.astype("int64"))
    when = f", as of {_text(as_of)}" if as_of >= 0 else ""
    bids, asks = book.levels
    pair = called.beside(str(book.symbol))
    so = f" ({pair})" if pair else ""
    head = f"{book.symbol}{so} at {_text(int(book.at.astype('int64')))}{when}\n"
    counts = f"{bids:,} bids, {asks:,} asks\n"
    rows = [["ask", f"{price:.12g}", f"{size:.12g}"] for price, size in book.asks[::-1].tolist()]
    rows += [["bid", f"{price:.12g}", f"{size:.12g}"] for price, size in book.bids.tolist()]
    table = columns.table(["side", "price", "size"], rows, right="price size") if rows else ""
    return head + counts + table


def _text(time_ns: int) -> str:
    from tick_logger.reader.times import iso

    return iso(time_ns)
