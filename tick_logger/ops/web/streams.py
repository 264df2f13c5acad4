"""Answers that go on for as long as a page is open; bounded in number."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterable, Callable, Iterator
from contextlib import AbstractContextManager

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

MOST_STREAMS = 32
"""Pages that are kept up to date at a time."""

EVENTS = "text/event-stream"


class Streams:
    """The places for streams."""

    def __init__(self) -> None:
        self._taken = 0

    def answer(self, request: Request, events: AsyncIterable[bytes]) -> Response:
        """A stream of events in a place of its own; refuses if there is none."""
        if request.method == "HEAD":
            return Response(media_type=EVENTS)
        if self._taken >= MOST_STREAMS:
            raise HTTPException(503, f"{MOST_STREAMS} pages are open already")
        return _EventStream(events, self._place)

    @contextlib.contextmanager
    def _place(self) -> Iterator[None]:
        self._taken += 1
        try:
            yield
        finally:
            self._taken -= 1


class _EventStream(StreamingResponse):
    """Holds a place for as long as it is sent."""

    def __init__(
        self, events: AsyncIterable[bytes], place: Callable[[], AbstractContextManager[None]]
    ) -> None:
        super().__init__(events, media_type=EVENTS)
        self._place = place

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        with self._place():
            await super().__call__(scope, receive, send)
