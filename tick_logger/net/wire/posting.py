"""Posts JSON to one address, of which nothing is ever shown: whoever knows it can write there.

Invariant: a post ends within its time, and its outcome names neither address nor path, only the
status of the answer or why there was none.  Nothing of an answer's body is read.

Not here: what is posted, and second attempts (`ops.alerts.delivery`).
"""

from __future__ import annotations

import http
import logging
from typing import Final

import attrs
import httpx2
import trio

from tick_logger.net.wire.dial import TALKATIVE, trust
from tick_logger.net.wire.wording import in_words, step_of

POST_SECS: Final = 10.0
"""From the look-up of the name to the status of the answer."""

_HEADERS: Final = {"content-type": "application/json", "user-agent": "tick_logger"}


@attrs.frozen
class Outcome:
    """Of one post: the status of the answer (0: none came), and that or the reason in words."""

    status: int
    words: str
    retry_after: str = ""  # the header of this name, as sent


class Posting:
    """Posts to an http:// or https:// URL.

    `ca_file` names certificates (PEM) to trust beside the system's; raises `ConfigError` if it
    cannot be used.
    """

    def __init__(self, url: str, *, ca_file: str = "", secs: float = POST_SECS) -> None:
        self._url = url
        self._secs = secs
        self._trust = trust(ca_file)
        for name in TALKATIVE:  # they log addresses
            logging.getLogger(name).setLevel(logging.WARNING)

    async def post(self, body: bytes) -> Outcome:
        """Send a document once; redirections are answers like any other, and are not followed."""
        try:
            with trio.fail_after(self._secs):
                return await self._post(body)
        except trio.TooSlowError:
            return Outcome(0, f"no answer within {self._secs:g} s")
        except (httpx2.HTTPError, httpx2.InvalidURL, UnicodeError, OSError) as error:
            return Outcome(0, f"{step_of(error)}: {self._harmless(in_words(error))}")

    async def _post(self, body: bytes) -> Outcome:
        # No proxies, as for the sockets to exchanges; posts are minutes apart, so nothing is kept.
        client = httpx2.AsyncClient(verify=self._trust, timeout=None, trust_env=False)
        async with (
            client,
            client.stream("POST", self._url, content=body, headers=_HEADERS) as answer,
        ):
            status, wait = answer.status_code, answer.headers.get("retry-after", "")
        return Outcome(status, _named(status), wait)

    def _harmless(self, words: str) -> str:
        """What a library says, unless it names parts of the address."""
        url = httpx2.URL(self._url)
        secrets = [self._url, url.path.strip("/"), url.query.decode(), url.host]
        return "it failed" if any(each and each in words for each in secrets) else words


def _named(status: int) -> str:
    try:
        return f"HTTP {status} {http.HTTPStatus(status).phrase}"
    except ValueError:
        return f"HTTP {status}"
