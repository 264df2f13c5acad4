"""Other entrances of an exchange: by which words they are configured, and what is refused."""

from __future__ import annotations

from pathlib import Path

import attrs
import pytest

from tests.config.given import VENUES, problems_of
from tick_logger.config.load import load
from tick_logger.config.markets import entrances
from tick_logger.config.printing import render
from tick_logger.config.schema import ExchangeConfig, VenueDefaults

PAIRS = (("wss://b.test:9443", "https://b.test"), ("wss://data.b.test", "https://rest.b.test"))
KNOWN: dict[str, VenueDefaults] = {
    **VENUES,
    "beta": attrs.evolve(VENUES["beta"], entrances=PAIRS),
}
USUAL = PAIRS[0]


def exchange(
    file: Path, text: str, name: str = "beta", environ: dict[str, str] | None = None
) -> ExchangeConfig:
    """What a file of this text says of one exchange."""
    file.write_text(text)
    return load(file, environ or {}, KNOWN).exchanges[name]


@pytest.mark.parametrize(
    ("keys", "pair"),
    [
        ("", USUAL),
        ('ws_endpoint = "wss://data.b.test"', PAIRS[1]),
        ('ws_endpoint = "wss://data.b.test/ws"', ("wss://data.b.test/ws", "https://rest.b.test")),
        ('rest_endpoint = "https://rest.b.test"', PAIRS[1]),
        ('base_url = "wss://data.b.test/ws"', ("wss://data.b.test/ws", "https://rest.b.test")),
        ('base_url = "https://rest.b.test"', PAIRS[1]),
        ('ws_endpoint = "wss://gate.test"', ("wss://gate.test", USUAL[1])),
        (
            'ws_endpoint = "wss://data.b.test"\nrest_endpoint = "https://mine.test"',
            ("wss://data.b.test", "https://mine.test"),
        ),
        (
            'base_url = "wss://data.b.test"\nrest_endpoint = "https://mine.test"',
            ("wss://data.b.test", "https://mine.test"),
        ),
    ],
)
def test_one_of_two_endpoints_is_enough(file: Path, keys: str, pair: tuple[str, str]) -> None:
    """The other is that of the same entrance, where it is a known one, and else the usual."""
    found = exchange(file, f"[exchanges.beta]\n{keys}\n")
    assert (found.ws_endpoint, found.rest_endpoint) == pair


def test_an_entrance_under_a_name_of_its_own(file: Path) -> None:
    """Beside the usual one; it loads again as it is printed."""
    file.write_text(
        '[exchanges.beta]\n[exchanges.beta_us]\nadapter = "beta"\nbase_url = "wss://data.b.test"\n'
    )
    config = load(file, {}, KNOWN)
    assert list(config.exchanges) == ["beta", "beta_us"]
    own = config.exchanges["beta_us"]
    assert (own.adapter, own.ws_endpoint, own.rest_endpoint) == ("beta", *PAIRS[1])
    file.write_text(render(config))
    assert load(file, {}, KNOWN) == config


def test_its_variables_have_its_name(file: Path) -> None:
    """They are told from those of its adapter."""
    text = '[exchanges.beta]\n[exchanges.beta_us]\nadapter = "beta"\n'
    environ = {
        "TICK_LOGGER__EXCHANGES__BETA_US__MAX_CONNECTIONS": "3",
        "TICK_LOGGER__EXCHANGES__BETA_US__BASE_URL": "wss://data.b.test",
        "TICK_LOGGER__EXCHANGES__BETA__MAX_CONNECTIONS": "4",
    }
    own = exchange(file, text, "beta_us", environ)
    assert (own.max_connections, own.rest_endpoint) == (3, PAIRS[1][1])
    assert load(file, environ, KNOWN).exchanges["beta"].max_connections == 4


MISNAMED = (
    "an entrance of beta must be called beta_ and small letters, digits and single _, such as "
    "beta_2, 64 in all: files of it are read by that name"
)
KINDS = "unknown exchange; available: alpha, beta"


@pytest.mark.parametrize(
    ("text", "path", "reason"),
    [
        ('[exchanges.us]\nadapter = "beta"', "exchanges.us.adapter", MISNAMED),
        ('[exchanges.beta_US]\nadapter = "beta"', "exchanges.beta_US.adapter", MISNAMED),
        ('[exchanges.beta_]\nadapter = "beta"', "exchanges.beta_.adapter", MISNAMED),
        (
            '[exchanges.alpha]\nadapter = "beta"',
            "exchanges.alpha.adapter",
            '"alpha" is itself an exchange, and not "beta"',
        ),
        (
            "[exchanges.beta_us]\nadapter = 3",
            "exchanges.beta_us.adapter",
            "must be a text, not the number 3",
        ),
        (
            '[exchanges.beta_us]\nadapter = "betta"',
            "exchanges.beta_us.adapter",
            f'{KINDS}; did you mean "beta"?',
        ),
        (
            "[exchanges.beta_us]",
            "exchanges.beta_us",
            f'{KINDS}; another entrance of one says whose it is: adapter = "beta"',
        ),
        (
            '[exchanges.beta]\nbase_url = "wss://x"\nws_endpoint = "wss://y"',
            "exchanges.beta.base_url",
            "says the same as ws_endpoint: give one of them",
        ),
        (
            '[exchanges.beta]\nbase_url = "ftp://x"',
            "exchanges.beta.base_url",
            'must begin with ws:// or wss://, unlike "ftp://x"',
        ),
        (
            '[[exchanges.beta.markets]]\nsymbols = ["A"]\nbase_url = "http://"',
            "exchanges.beta.markets[0].base_url",
            'names no host: "http://"',
        ),
    ],
)
def test_what_is_refused(file: Path, text: str, path: str, reason: str) -> None:
    """With the key that was written, and the reason."""
    assert problems_of(file, f"{text}\n") == [(path, reason)]


def test_markets_may_be_entered_elsewhere(file: Path) -> None:
    """The first market that matches says where; what it leaves out is the exchange's."""
    found = exchange(
        file,
        """
        [exchanges.beta]
        [[exchanges.beta.markets]]
        symbols = ["A*"]
        base_url = "wss://data.b.test/ws"
        [[exchanges.beta.markets]]
        symbols = ["B*"]
        feeds = ["trades"]
        [[exchanges.beta.markets]]
        symbols = ["*2"]
        rest_endpoint = "https://gate.test"
        [[exchanges.beta.markets]]
        symbols = ["C"]
        ws_endpoint = "wss://data.b.test/ws"
        """,
    )
    others, number_of = entrances(found)
    assert others == [
        ("wss://data.b.test/ws", "https://rest.b.test"),
        ("wss://b.test:9443", "https://gate.test"),
    ]
    assert [number_of(each) for each in ("A1", "A2", "B2", "D2", "C", "E")] == [1, 1, 0, 2, 1, 0]
