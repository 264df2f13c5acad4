"""Which exchanges are asked with their user's API key: said at a start and by `check-config`.

No key is ever shown, nor its name.  Not here: what a request is signed with (`net.wire.signing`).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

import attrs

from tick_logger.clock import WallClock
from tick_logger.exchanges import registry
from tick_logger.exchanges.base import Exchange
from tick_logger.net.wire.signing import JwtSigner, signer_from_environ
from tick_logger.telemetry.logs import get_logger


@attrs.frozen
class Signing:
    """Whether requests to an exchange are signed, and why or why not, in words."""

    exchange: str
    is_recorded: bool
    signed: bool
    explanation: str


def signer_of(
    exchange: Exchange, environ: Mapping[str, str], clock: WallClock | None = None
) -> JwtSigner | None:
    """Who signs requests to it, if there is a key; raises `ConfigError` for one that is none."""
    if not exchange.key_prefix:
        return None
    return signer_from_environ(environ, exchange.key_prefix, clock=clock)


def signings(recorded: Collection[str], environ: Mapping[str, str]) -> list[Signing]:
    """Of each recorded exchange that takes a key, and of others for which there is one in vain.

    Raises `ConfigError` for a key that is none.
    """
    found = []
    for name in registry.available():
        exchange = registry.get(name)
        variable = f"{exchange.key_prefix}_API_KEY"
        if not exchange.key_prefix:
            continue
        if name in recorded:
            signed = signer_of(exchange, environ) is not None
            why = "is in the environment" if signed else "is not in the environment"
            found.append(Signing(name, True, signed, f"{variable} {why}"))
        elif environ.get(variable, "").strip():
            why = f"{variable} is for {name} alone, which is not recorded"
            found.append(Signing(name, False, False, why))
    return found


def tell(recorded: Collection[str], environ: Mapping[str, str]) -> None:
    """Log a line for each."""
    log = get_logger()
    for each in signings(recorded, environ):
        if each.is_recorded:
            said = {"signed": each.signed, "explanation": each.explanation}
            log.info("signing", exchange=each.exchange, **said)
        else:
            log.warning("key_unused", explanation=each.explanation)


def in_words(recorded: Collection[str], environ: Mapping[str, str]) -> list[str]:
    """A sentence for each."""
    return [
        f"{each.exchange}: requests are {'' if each.signed else 'not '}signed: {each.explanation}"
        for each in signings(recorded, environ)
    ]
