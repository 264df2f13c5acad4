"""The project's own errors: who caught what, and what the process does about it.

`ConfigError` stops before anything is touched (exit code 2).  `ConnectionLost` ends one connection
and leads to a reconnect.  `StorageError` ends the recording (exit code 3).  Anything else is a
bug: it ends the process too, after what was received has been flushed.
"""

from __future__ import annotations

import enum

import attrs


class TickLoggerError(Exception):
    """Base of all errors that the program raises on purpose."""


class ConfigError(TickLoggerError):
    """The configuration is wrong; `problems` holds every reason as (path, reason)."""

    def __init__(self, problems: list[tuple[str, str]]) -> None:
        self.problems = problems
        super().__init__("\n".join(f"{path}: {reason}" for path, reason in problems))


class Ending(enum.StrEnum):
    """How a connection ended, or what there was instead of one."""

    DIAL = "dial"
    """The other side refused the connection, or did not answer in time."""
    HTTP = "http"
    """A request by REST failed."""
    CLOSED = "closed"
    """One side closed it with a close frame, or this side without."""
    EOF = "eof"
    """The other side ended it without a close frame."""
    RESET = "reset"
    """The network ended it."""
    PROTOCOL = "protocol"
    """The other side broke the rules of WebSocket."""
    NONSENSE = "nonsense"
    """Most of what came could not be understood."""
    PING = "ping"
    """No pong came in time: it was half-open."""
    HEARTBEAT = "heartbeat"
    """The venue's heartbeats stopped."""
    SILENT = "silent"
    """No market data came on it for too long."""
    REPLACED = "replaced"
    """It was no longer needed."""


@attrs.frozen
class Told:
    """What the other side said when it refused a request, or closed a connection; as it was sent.

    `code` is the status of an HTTP answer, or the code of a close frame (from 1000 on), or 0 of an
    answer that is a refusal by its words alone; `words` are the beginning of the body, or the
    reason in the frame.  The others are headers.
    """

    code: int
    words: str = ""
    retry_after: str = ""
    date: str = ""


class Step(enum.StrEnum):
    """Where an attempt to reach an address failed, or what came instead of an answer."""

    DNS = "DNS"
    TCP = "TCP"
    TLS = "TLS"
    HTTP = "HTTP"
    """A status that refuses."""
    PAGE = "web page"
    """A page for people to read, where data or an upgrade was asked for."""
    REDIRECTED = "redirection"
    """The name of another address."""
    ANSWER = "answer"
    """None in time, or one that cannot be understood."""


class ConnectionLost(TickLoggerError):
    """A connection ended or could not be made: how, and in the message the place and the detail.

    `told` is what the other side said, where it said anything; `step` is where it failed, of
    what never was connected; `words` is the message without the place.
    """

    def __init__(
        self,
        ending: Ending,
        detail: str,
        told: Told | None = None,
        *,
        place: str = "",
        step: Step = Step.ANSWER,
    ) -> None:
        self.ending = ending
        self.told = told
        self.place = place
        self.step = step
        self.words = detail
        super().__init__(f"{place}: {detail}" if place else detail)


def leaves(group: BaseExceptionGroup[BaseException]) -> list[BaseException]:
    """The errors in a group and the groups within it."""
    found: list[BaseException] = []
    for error in group.exceptions:
        found += leaves(error) if isinstance(error, BaseExceptionGroup) else [error]
    return found


MADE_BY_NEWER = "made by a newer version of the program, which is needed to go on"
"""How every refusal of something that is not known here begins."""


class StorageError(TickLoggerError):
    """Rows could not be written, or what is on disk cannot be continued."""


class RefusedError(StorageError):
    """What is on disk cannot be continued, and trying again would change nothing."""


class UnfitError(RefusedError):
    """What is on disk of one stream cannot be continued, for this `reason`; others can."""

    def __init__(self, what: str, reason: str) -> None:
        super().__init__(f"cannot write {what}: {reason}")
        self.reason = reason


def words_of(error: BaseException) -> str:
    """What is wrong, without numbers and class names."""
    return (error.strerror or str(error)) if isinstance(error, OSError) else str(error)
