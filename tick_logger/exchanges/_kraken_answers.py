"""What Kraken's answers by REST have in common: errors, and one key beside `last`, a pair's name.

Not here: what stands under it.
"""

from __future__ import annotations

import msgspec

from tick_logger.exchanges._kraken_names import names_of
from tick_logger.exchanges.messages import decode_listing
from tick_logger.exchanges.venue_error import VenueError


class _Answer(msgspec.Struct, gc=False):
    error: list[str] | None
    result: dict[str, msgspec.Raw] | None = None


_decode = msgspec.json.Decoder(_Answer).decode


def of_symbol(body: bytes, symbol: str, request: str, what: str) -> tuple[bytes, bytes]:
    """What (trades, say) is told of a symbol, and `last` (empty without one), as they are spelled.

    Raises `VenueError` if the answer is none, a refusal (status 200), or of another pair.
    """
    answer = decode_listing(_decode, body, request)
    errors = [text for text in answer.error or () if not text.startswith("W")]  # warnings
    if errors or answer.result is None:
        raise VenueError(f"{request}: {', '.join(errors) or 'no result'}")
    result = dict(answer.result)
    last = bytes(result.pop("last", msgspec.Raw(b"")))
    if len(result) != 1:
        raise VenueError(f"{request}: {what} of {len(result)} pairs, and not of one")
    [(key, told)] = result.items()
    if key not in names_of(symbol):
        raise VenueError(f"{request}: {what} of {key!r}, and not of {symbol!r}")
    return bytes(told), last
