"""What is asked for in an address, judged; and the disk, asked in few threads and not for long."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import trio
from starlette.exceptions import HTTPException
from starlette.requests import Request

from tick_logger.ops.web.scopes import granted

MOST_QUERY_CHARS = 100

READ_SECS = 5.0
"""A disk that takes longer has no time for pages, and these must not wait in line for it."""

T = TypeVar("T")


def text(request: Request, name: str) -> str:
    """A parameter, empty where there is none; refuses long ones."""
    value = request.query_params.get(name, "")
    if len(value) > MOST_QUERY_CHARS:
        raise HTTPException(400, f"{name} is longer than {MOST_QUERY_CHARS} characters")
    return value


def number(request: Request, name: str, default: int, most: int, least: int = 1) -> int:
    """A whole number in a range; refuses all else."""
    value = request.query_params.get(name, str(default))
    digits = len(str(most))
    if not (value.isascii() and value.isdecimal() and len(value) <= digits):
        raise HTTPException(400, f"{name} must be a number from {least} to {most}")
    if not least <= int(value) <= most:
        raise HTTPException(400, f"{name} must be a number from {least} to {most}")
    return int(value)


def require_seen(request: Request, exchange: str, unknown: str) -> None:
    """Refuse what whoever asks may not be told, in the words for what is `unknown`."""
    if not granted(request).sees(exchange):
        raise HTTPException(404, unknown)


class Reads:
    """Reads files for pages, in so many threads at a time; recording needs the disk more."""

    def __init__(self, most: int) -> None:
        self._threads = trio.CapacityLimiter(most)

    async def run(self, read: Callable[[], T], absent: str = "") -> T:
        """The result of `read()`; errors become answers.

        A `LookupError` is 404, with `absent` (why that might be) behind it, a `ValueError` is 400.
        """
        try:
            with trio.fail_after(READ_SECS):
                return await trio.to_thread.run_sync(
                    read, limiter=self._threads, abandon_on_cancel=True
                )
        except LookupError as error:
            reason = f"{error}: {absent}" if absent else str(error)
            raise HTTPException(404, reason) from None
        except ValueError as error:
            raise HTTPException(400, str(error)) from None
        except trio.TooSlowError:
            raise HTTPException(503, "the disk is too busy") from None
        except OSError as error:
            why = error.strerror or str(error)
            raise HTTPException(503, f"the files cannot be read: {why}") from None
