"""Says in plain words why a connection, a request or an answer failed.

Only the libraries' exceptions are read here; who raises what instead is decided in `dial` and
`link`.
"""

from __future__ import annotations

import http
import os
import socket
import ssl

from tick_logger.errors import Step
from tick_logger.net.wire.web_page import is_page, words_of_page

_LONGEST_EXCERPT = 200
"""Characters of a venue's own explanation that are worth a log line."""

_MEANINGS = {
    403: "the venue, or the firewall before it, refuses this machine; another endpoint may not",
    418: "this address is banned for a while, for going on after HTTP 429",
    429: "too many requests, slow down",
    451: "the venue does not serve this machine's region here; another endpoint may",
    503: "the venue is overloaded or under maintenance",
}


def in_words(error: BaseException) -> str:
    """The reason at the root of an exception of the network, TLS or HTTP libraries."""
    while (cause := _cause(error)) is not None:
        error = cause
    if isinstance(error, BaseExceptionGroup):  # one reason per address that was tried
        return ", ".join(sorted({in_words(reason) for reason in error.exceptions}))
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"certificate verify failed: {error.verify_message}"
    if isinstance(error, ssl.SSLEOFError):
        return "the other side closed the connection"
    if isinstance(error, ssl.SSLError) and error.reason:
        return error.reason.replace("_", " ").lower()
    if isinstance(error, socket.gaierror):  # its numbers are not those of the system
        return error.strerror or str(error)
    if isinstance(error, OSError) and error.errno:
        return os.strerror(error.errno)
    return str(error) or type(error).__name__


def step_of(error: BaseException) -> Step:
    """At which step an exception of these libraries shows that it failed."""
    chain: list[BaseException] = [error]
    while (cause := _cause(chain[-1])) is not None:
        chain.append(cause)
    if any(isinstance(each, socket.gaierror) for each in chain):
        return Step.DNS
    if any(isinstance(each, ssl.SSLError) for each in chain):
        return Step.TLS
    return Step.TCP if any(isinstance(each, OSError) for each in chain) else Step.ANSWER


def answered(status: int, location: str, body: bytes) -> tuple[Step, str]:
    """What came instead of what was asked for, the most telling fact first."""
    named, said = http_status(status), excerpt(body)
    if location and 300 <= status < 400:
        return Step.REDIRECTED, f"{named}, which points to {_printable(location)}"
    if is_page(body) and status < 400:
        title = f": {said}" if said else ""
        return Step.PAGE, f"a web page came instead of an answer (HTTP {status}){title}"
    return Step.HTTP, f"{named}: {said}" if said else named


def http_status(status: int) -> str:
    """A refusing HTTP status with its name, and its meaning where it has a special one."""
    try:
        named = f"HTTP {status} {http.HTTPStatus(status).phrase}"
    except ValueError:
        named = f"HTTP {status}"
    return f"{named} ({_MEANINGS[status]})" if status in _MEANINGS else named


def _cause(error: BaseException) -> BaseException | None:
    """What an exception was raised from; the HTTP library keeps it as an argument instead."""
    return error.__cause__ or next(
        (argument for argument in error.args if isinstance(argument, BaseException)), None
    )


def excerpt(body: bytes) -> str:
    """The beginning of an answer's body, on one line and printable; of a web page its words."""
    if is_page(body):
        return _printable(words_of_page(body))
    return _printable(body[: 4 * _LONGEST_EXCERPT].decode("utf-8", "replace"))


def _printable(text: str) -> str:
    line = " ".join(text.split())[:_LONGEST_EXCERPT]
    return "".join(char if char.isprintable() else "?" for char in line)
