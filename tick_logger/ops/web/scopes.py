"""Who may be told what: a token, and the exchanges and the kinds of paths that it opens.

Invariant: a token is compared in a time that says nothing of it, and is in no representation.

Not here: which path belongs to what (`guard`), and leaving out the rest (`ops.status.scoped`).
"""

from __future__ import annotations

import hmac
from collections.abc import Sequence

import attrs
from starlette.requests import Request
from starlette.types import Scope as Asked

IN_REQUEST = "tick_logger.scope"
"""Where the guard puts what whoever asks may be told."""


@attrs.frozen
class Scope:
    """What one may be told: of which exchanges (None: all), metrics, and the page with its API."""

    exchanges: frozenset[str] | None = None
    metrics: bool = True
    page: bool = True

    def sees(self, exchange: str) -> bool:
        """Whether anything of this exchange may be told."""
        return self.exchanges is None or exchange in self.exchanges


EVERYTHING = Scope()
NOTHING = Scope(frozenset(), metrics=False, page=False)


@attrs.frozen
class Key:
    """A token, and what it opens."""

    token: str = attrs.field(repr=False)
    scope: Scope


def scope_of(keys: Sequence[Key], authorization: bytes) -> Scope | None:
    """What whoever sends this header may be told; None where it is no token of these."""
    found = None
    for key in keys:  # all of them: the time must not say which one it was
        if hmac.compare_digest(authorization, b"Bearer " + key.token.encode()):
            found = key.scope
    return found


def granted(request: Request) -> Scope:
    """What whoever asks may be told."""
    return of_asked(request.scope)


def of_asked(asked: Asked) -> Scope:
    """The same, of what ASGI calls a scope."""
    scope = asked[IN_REQUEST]
    assert isinstance(scope, Scope)
    return scope
