"""Looks at one exchange: name look-up, TCP, TLS, upgrade, REST, clock, listing, symbols, feeds.

Each step is the program's own: what fails here fails in a recording, with the same words.  A venue
that cannot be reached is known within ten seconds.
"""

from __future__ import annotations

import difflib
import socket
from collections.abc import Mapping, Sequence
from urllib.parse import urlsplit

import trio

from tick_logger.clock import WallClock
from tick_logger.config.markets import entrances, for_symbol, matches
from tick_logger.config.schema import ExchangeConfig
from tick_logger.doctor.context import context_of
from tick_logger.doctor.feeds import FeedLook
from tick_logger.doctor.lines import Line, ok, warning, wrong
from tick_logger.doctor.watching import WatchingDial
from tick_logger.errors import ConfigError, ConnectionLost, Step
from tick_logger.exchanges.base import Exchange, Listed, Subscription, VenueError
from tick_logger.model.symbol_rules import SymbolRules
from tick_logger.model.symbols import map_instrument
from tick_logger.model.turnover import most_traded_first
from tick_logger.net.connection.context import VenueContext
from tick_logger.net.reach import WHAT_TO_DO, advice
from tick_logger.net.rest.listing import read_listing
from tick_logger.net.wire.dial import Dial, DialTimeouts
from tick_logger.net.wire.sockets import TransportError
from tick_logger.net.wire.wording import in_words

DNS_SECS = 2.5
HASTY = DialTimeouts(tcp_secs=2.5, tls_secs=2.5, upgrade_secs=2.0, rest_secs=9.0)
"""A recorder is more patient; the steps of a look take less than ten seconds together."""

MOST_SYMBOLS = 5
"""Of each feed that are listened to, the most traded first."""

MOST_NAMED = 5

SYNC = "synchronise this machine's clock (NTP)"
CLOCK_OK_SECS, CLOCK_WRONG_SECS = 2.0, 30.0
"""What a `Date` in whole seconds can tell; and by how much an event may be ahead of its receipt."""


class VenueLook:
    """One look at an exchange."""

    def __init__(
        self,
        exchange: Exchange,
        config: ExchangeConfig,
        dial: Dial,
        clock: WallClock,
        rules: SymbolRules | None = None,
    ) -> None:
        self._exchange = exchange
        self._config = config
        self._dial = WatchingDial(dial, clock)
        self._clock = clock
        self._rules = rules or SymbolRules()

    async def lines(self, most_secs: float) -> list[Line]:
        """All lines; messages are waited for so long at most."""
        try:
            context = context_of(self._exchange, self._config, self._dial, self._clock)
        except ConfigError as error:
            why = "; ".join(f"{path} {reason}" for path, reason in error.problems)
            return [wrong("key", why, "mend it, or take it out of the environment")]
        reached: list[Line] = []
        listed: list[Listed] = []
        asked: list[Line] = []
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._reach, reached)
            nursery.start_soon(self._ask, context, asked, listed)
        lines = [*reached, *asked]
        chosen: Sequence[Subscription] = ()
        called: Mapping[str, str] = {}
        if listed:
            called = self._called(listed[0])
            found, chosen = self._symbols(listed[0], called)
            lines += found
        age_secs = None
        heard: list[Line] = []
        if chosen and not any(line.state == "wrong" for line in reached):
            look = FeedLook(context, chosen, called)
            heard = await look.listen(most_secs)
            age_secs = look.age_secs
        return [*lines, *self._clock_lines(age_secs), *heard]

    async def _reach(self, lines: list[Line]) -> None:
        """Name look-up, TCP, TLS and upgrade, at each of the venue's addresses."""
        lanes = sorted({self._exchange.lane(feed) for feed in self._config.feeds})
        elsewhere, _ = entrances(self._config)
        places = dict.fromkeys((self._config.ws_endpoint, *(ws for ws, _ in elsewhere)))
        for url in (self._exchange.ws_url(place, lane) for place in places for lane in lanes):
            found = await self._steps(url)
            lines += [line for line in found if line.state == "wrong"] if lines else found
            if found[-1].state == "wrong":
                return

    async def _steps(self, url: str) -> list[Line]:
        parts = urlsplit(url)
        host, secure = parts.hostname or "", parts.scheme == "wss"
        failure = await self._resolve(host)
        if failure:
            return [wrong("DNS", f"{host}: {failure}", WHAT_TO_DO[Step.DNS])]
        steps = ["DNS", "TCP", *(["TLS"] if secure else []), "WebSocket"]
        failed, why, what_to_do = "", "", ""
        began = trio.current_time()
        try:
            async with trio.open_nursery() as nursery:
                link = await self._dial.open(
                    nursery,
                    url,
                    on_frames=lambda _recv_ns, _payloads: None,
                    on_ping=lambda: None,
                    max_message_bytes=self._config.max_message_mib * 2**20,
                )
                await link.aclose(0.5)
                nursery.cancel_scope.cancel(reason="it answers")
        except* ConnectionLost as group:
            error = group.exceptions[0]
            assert isinstance(error, ConnectionLost), "an attempt fails in one way"
            failed, why = _step_of(error), str(error)
            what_to_do = advice(error, self._exchange.others(url))
        done = steps[: steps.index(failed)] if failed else steps
        secs = trio.current_time() - began
        said = {"WebSocket": f"connected in {secs:.2f} s"}
        lines = [ok(step, said.get(step, parts.netloc)) for step in done]
        return [*lines, wrong(failed, why, what_to_do)] if failed else lines

    async def _resolve(self, host: str) -> str:
        """Why a name has no address; empty if it has one."""
        try:
            with trio.fail_after(DNS_SECS):
                await trio.socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
        except trio.TooSlowError:
            return f"no answer within {DNS_SECS:g} s"
        except (OSError, UnicodeError) as error:
            return in_words(error)
        return ""

    async def _ask(self, context: VenueContext, lines: list[Line], listed: list[Listed]) -> None:
        """The listing, by REST."""
        place = urlsplit(self._config.rest_endpoint).netloc
        began = trio.current_time()
        try:
            found = await read_listing(self._exchange, context.rest)
        except ConnectionLost as error:
            others = self._exchange.others(self._config.rest_endpoint)
            lines.append(wrong("REST", str(error), advice(error, others)))
            return
        except VenueError as error:
            lines.append(ok("REST", place))
            lines.append(wrong("listing", str(error), "see `rest_endpoint`; update this program"))
            return
        lines.append(ok("REST", f"{place} answered in {trio.current_time() - began:.2f} s"))
        traded = sum(each.active for each in found.instruments)
        said = f"{traded:,} of {len(found.instruments):,} symbols are traded"
        if not traded:
            lines.append(wrong("listing", said, "see `rest_endpoint`"))
            return
        odd = f"; {len(found.odd):,} entries are odd" if found.odd else ""
        lines.append(ok("listing", said + odd))
        listed.append(found)

    def _called(self, listed: Listed) -> dict[str, str]:
        """The normal names of what is listed, by symbol."""
        name = self._exchange.name
        mapped = (map_instrument(name, each, self._rules) for each in listed.instruments)
        return {each.symbol: each.pair for each in mapped if each.pair}

    def _symbols(
        self, listed: Listed, called: Mapping[str, str]
    ) -> tuple[list[Line], list[Subscription]]:
        """Whether what is configured is listed, and what to listen to."""
        traded = [each.symbol for each in most_traded_first(listed.instruments) if each.active]
        patterns = self._config.symbols
        chosen = [symbol for symbol in traded if matches(patterns, symbol)]
        lines = []
        missing = () if isinstance(patterns, str) else _unmatched(patterns, traded)
        if missing:
            named = ", ".join(_with_near(each, traded, called) for each in missing[:MOST_NAMED])
            more = f" and {len(missing) - MOST_NAMED} more" if len(missing) > MOST_NAMED else ""
            lines.append(wrong("symbols", f"not traded: {named}{more}", "mend `symbols`"))
        if chosen and not missing:
            lines.append(ok("symbols", f"{len(chosen):,} are wanted"))
        wanted: list[Subscription] = []
        for symbol in chosen:
            for feed in for_symbol(self._config, symbol).feeds:
                if sum(each.feed == feed for each in wanted) < MOST_SYMBOLS:
                    wanted.append(Subscription(symbol, feed))
            if len(wanted) >= MOST_SYMBOLS * len(self._exchange.feeds):
                break
        return lines, wanted

    def _clock_lines(self, age_secs: float | None) -> list[Line]:
        """This machine's clock against the venue's, by its answers or else by its messages."""
        ahead = self._dial.ahead_secs
        if ahead is None and age_secs is None:
            return []
        if ahead is None:
            assert age_secs is not None, "checked above"
            ahead, how = age_secs, "the freshest message was received {secs} s after its time"
        else:
            how = "this machine is {secs} s ahead of the venue, give or take a second"
        said = how.format(secs=f"{ahead:.2f}")
        if abs(ahead) <= CLOCK_OK_SECS:
            return [ok("clock", said)]
        if abs(ahead) <= CLOCK_WRONG_SECS:
            return [warning("clock", said, SYNC)]
        return [wrong("clock", said, SYNC)]


def _step_of(error: BaseException) -> str:
    """At which step an attempt to connect failed."""
    cause = error.__cause__
    if not isinstance(cause, TransportError):
        return "WebSocket"
    return "DNS" if isinstance(cause.__cause__, socket.gaierror) else cause.step


def _unmatched(patterns: Sequence[str], traded: Sequence[str]) -> list[str]:
    return [each for each in patterns if not any(matches((each,), symbol) for symbol in traded)]


def _with_near(pattern: str, traded: Sequence[str], called: Mapping[str, str]) -> str:
    same = [symbol for symbol in traded if called.get(symbol) == pattern.upper()]
    if same:
        return f"{pattern} (here it is {' or '.join(same[:MOST_NAMED])})"
    near = difflib.get_close_matches(pattern.upper(), traded, n=1, cutoff=0.6)
    return f"{pattern} (near is {near[0]})" if near else pattern
