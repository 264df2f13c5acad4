"""Tokens that open a part: of some exchanges, of metrics, of the page; and nothing of the rest."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.ops.web.site import Site, site
from tests.ops.web.sockets import get, until
from tests.reader.recorded import Recorder
from tests.reader.test_rows import trade
from tick_logger.model.connections import Absent, Loss, Unreachable
from tick_logger.model.tables import Table
from tick_logger.ops.web.scopes import EVERYTHING, Key, Scope
from tick_logger.reader.looking_back import LookingBack

ALPHA = frozenset({"alpha"})
KEYS = (
    Key("of-alpha", Scope(ALPHA)),
    Key("metrics", Scope(ALPHA, metrics=True, page=False)),
    Key("page", Scope(None, metrics=False, page=True)),
    Key("nobody", Scope(frozenset())),
)
TOLD = (
    "/health", "/ready", "/metrics", "/api/status", "/api/symbols", "/api/symbols?q=b",
    "/api/recorded/days", "/api/recorded/symbols", "/api/recorded/symbols?exchange=beta",
)  # fmt: skip
"""Every path that answers without naming a symbol, but the events, which go on for ever."""

OF_BETA = {"exchange": "beta", "symbol": "XBT/USD", "day": "2024-02-01"}
OF_BETA |= {"at_ns": "1706745600000000000"}
SECRETS = ("beta", "BTC/EUR", "XBT/USD", "1415926")
"""What tells of the other exchange: its name, its symbols, and a number that only it has."""


def as_(token: str) -> dict[str, str]:
    """The header with a token; empty: none."""
    return {"Authorization": f"Bearer {token}"} if token else {}


def past(folder: Path) -> LookingBack:
    """Both exchanges have rows."""
    recorder = Recorder(folder, names=(("alpha", "BTC-USD"), ("beta", "XBT/USD")))
    for number in (0, 1):
        recorder.write(Table.TRADES, [trade(1, 0), trade(2, 9_000)], of=number)
    return LookingBack(folder, lambda: 1_706_832_000 * 10**9)


def tell_of_beta(at: Site) -> None:
    """Everything that can be said of an exchange is said of the one that is not to be seen."""
    numbers = at.rig.metrics.exchange("beta")
    numbers.connections_up.set(0)
    numbers.symbols.set(31_415_926)
    venue = at.rig.venues["beta"]
    venue.losses = (Loss(at_ns=0, connection="beta 0.1", ending="disconnect", reason="beta left"),)
    venue.absent = Absent(left_out=("BTC/EUR",), not_listed=("XBT/USD",))
    venue.unreachable = Unreachable(
        since_ns=0, place="beta.test", step="DNS", reason="no beta", what_to_do="ask beta"
    )
    at.rig.troubles.append("beta:XBT/USD cannot be written")
    at.board.view = at.board._look()
    at.board._told.clear()


async def test_nothing_of_an_exchange_that_a_token_does_not_name(tmp_path: Path) -> None:
    """On no path, while whoever has another token is told of both."""
    async with site("all", KEYS, past(tmp_path)) as at:
        tell_of_beta(at)
        for path in TOLD:
            whole = (await at.client.get(path, headers=as_("all"))).text
            part = (await at.client.get(path, headers=as_("of-alpha"))).text
            assert "beta" in whole, path
            assert [each for each in SECRETS if each in part] == [], path
            assert "alpha" in part or "q=b" in path or "=beta" in path or path == "/ready", path
        ready = (await at.client.get("/ready", headers=as_("of-alpha"))).json()
        hidden = "the recorder is in trouble with an exchange that is not shown"
        assert ready == {"ready": False, "reasons": [hidden]}


async def test_what_names_an_exchange_that_may_not_be_seen(tmp_path: Path) -> None:
    """Is answered as if nothing were recorded of it; nobody reads its files for that."""
    async with site("all", KEYS, past(tmp_path)) as at:
        for path in ("/api/symbol", "/api/recorded/day", "/api/recorded/book"):
            whole = await at.client.get(path, params=OF_BETA, headers=as_("all"))
            part = await at.client.get(path, params=OF_BETA, headers=as_("of-alpha"))
            assert (whole.status_code, part.status_code) == (200, 404), path
            never = OF_BETA | {"symbol": "NEVER"}
            at.reader.error = LookupError("beta has no symbol NEVER here")
            unknown = await at.client.get(path, params=never, headers=as_("all"))
            at.reader.error = None
            assert unknown.status_code == 404
            assert part.text == unknown.text.replace("NEVER", "XBT/USD"), path
            own = OF_BETA | {"exchange": "alpha", "symbol": "BTC-USD"}
            assert (await at.client.get(path, params=own, headers=as_("of-alpha"))).is_success
        assert at.reader.asked == [("beta", "XBT/USD"), ("beta", "NEVER"), ("alpha", "BTC-USD")]


async def test_events_are_of_the_same_exchanges() -> None:
    """They are what the page lives by."""
    async with site("", KEYS) as at:
        tell_of_beta(at)
        async with await at.server.connect() as stream:
            await stream.send_all(get("/api/events", "Authorization: Bearer of-alpha"))
            event = (await until(stream, b"\n\n")).decode()
    assert '"name":"alpha"' in event
    assert [each for each in SECRETS if each in event] == []


async def test_totals_are_of_what_is_seen() -> None:
    """Sums over all would tell of the others."""
    async with site("all", KEYS) as at:
        at.rig.metrics.exchange("alpha").messages_dropped.inc(2)
        at.rig.metrics.exchange("beta").messages_dropped.inc(40)
        at.board.view = at.board._look()
        at.board._told.clear()
        dropped = {}
        for token in ("all", "of-alpha", "nobody"):
            said = (await at.client.get("/api/status", headers=as_(token))).json()
            dropped[token] = said["messages_dropped"]
            assert len(said["history"]["messages_per_second"]) <= 1
    assert dropped == {"all": 42, "of-alpha": 2, "nobody": 0}


@pytest.mark.parametrize(
    ("token", "metrics", "page"),
    [
        ("all", 200, 200),
        ("of-alpha", 200, 200),
        ("metrics", 200, 403),
        ("page", 403, 200),
        ("", 401, 401),
        ("other", 401, 401),
    ],
)
async def test_a_token_opens_what_it_is_for(token: str, metrics: int, page: int) -> None:
    """Whether a recorder is ready may be asked with any; health and the page's files without."""
    async with site("all", KEYS) as at:
        for path, status in (
            ("/metrics", metrics), ("/api/status", page), ("/api/recorded/days", page),
            ("/ready", 401 if page == 401 else 200), ("/health", 200), ("/", 200),
            ("/nothing", 404 if page == 200 else page),
        ):  # fmt: skip
            answer = await at.client.get(path, headers=as_(token))
            assert answer.status_code == status, path
            if status == 403:
                assert answer.json() == {"error": "this token is for something else"}


async def test_health_tells_of_no_exchange_without_a_token() -> None:
    """Where there are tokens of a part: whoever supervises asks whether the process lives."""
    async with site("", KEYS) as at:
        tell_of_beta(at)
        said: dict[str, Any] = (await at.client.get("/health")).json()
        assert (said["status"], said["exchanges"]) == ("degraded", {})
        assert "beta" not in str(said)
        said = (await at.client.get("/health", headers=as_("of-alpha"))).json()
        assert list(said["exchanges"]) == ["alpha"]


def test_a_token_is_in_no_representation() -> None:
    """Not of what holds it, if that is ever printed."""
    assert "hunter2" not in repr(Key("hunter2", EVERYTHING))
