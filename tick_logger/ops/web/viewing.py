"""The page over a recording at rest: what was recorded, and nothing of a recorder.

/health        this program lives
/api/events    which recording it shows, every two seconds: a page sees when it is gone
/api/recorded  see `past`
"""

from __future__ import annotations

import attrs
import msgspec
import trio
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp

from tick_logger.ops.status.past import Past
from tick_logger.ops.web.guard import JSON, Door, guarded
from tick_logger.ops.web.past import PastAnswers
from tick_logger.ops.web.streams import Streams

EVERY_SECS = 2.0


@attrs.frozen
class Shown:
    """Which recording it is, and what shows it."""

    path: str
    version: str


def viewing(past: Past, shown: Shown, door: Door) -> ASGIApp:
    """The ASGI application over a recording at rest."""
    answers = _Viewing(shown)
    paths = {"/health": answers.health, "/api/events": answers.events}
    return guarded({**paths, **PastAnswers(past).by_path}, door)


class _Viewing:
    """The answers that say what is shown."""

    def __init__(self, shown: Shown) -> None:
        self._encoded = msgspec.json.encode(shown)
        self._version = shown.version
        self._streams = Streams()

    async def health(self, _request: Request) -> Response:
        said = {"status": "viewing", "version": self._version}
        return Response(msgspec.json.encode(said), media_type=JSON)

    async def events(self, request: Request) -> Response:
        return self._streams.answer(request, _Repeated(self._encoded))


class _Repeated:
    """One event, again and again."""

    def __init__(self, encoded: bytes) -> None:
        self._event = b"event: recording\ndata: " + encoded + b"\n\n"
        self._begun = False

    def __aiter__(self) -> _Repeated:
        return self

    async def __anext__(self) -> bytes:
        if self._begun:
            await trio.sleep(EVERY_SECS)
        self._begun = True
        return self._event
