"""What can be configured: every key, its default, its unit and its rule, as immutable values.

The classes hold values that were checked when they were loaded (`load`); building one by hand
checks nothing.  No exchange's name occurs here: what differs between exchanges comes in as
`VenueDefaults`.  Nothing here reads files or the environment.

A new section is a class and a key of `Config`; one within a section is a key of that.  Loading, the
environment, printing and reloading find it by itself.  What several keys must be together stands
in `conflicts`.
"""

from __future__ import annotations

from typing import Annotated, TypeAlias, get_type_hints

import attrs

from tick_logger.config.rules import (
    between,
    bucket_name,
    existing_file,
    existing_group,
    feed_among,
    key_prefix,
    keys_among,
    mode_of_files,
    one_of,
    plain,
    secret,
    secret_url,
    server_part,
    some_distinct,
    text,
    url,
    url_or_nothing,
)
from tick_logger.model.tables import FEEDS

DEFAULT_FEEDS = ("ticker", "trades")

Feed: TypeAlias = Annotated[str, feed_among(FEEDS)]
Feeds: TypeAlias = Annotated[tuple[Feed, ...], some_distinct]
Pattern: TypeAlias = Annotated[str, text]
Patterns: TypeAlias = Annotated[tuple[Pattern, ...], some_distinct]
Symbols: TypeAlias = str | Patterns
"""Either the word "all" or a list of patterns."""

HostNames: TypeAlias = tuple[Annotated[str, text], ...]

USUAL_SYMBOLS_PER_CONNECTION = 20
MOST_SYMBOLS_PER_CONNECTION = 1000
"""On one connection, as long as there are enough of them; and in any case."""

Level: TypeAlias = Annotated[str, one_of("debug", "info", "warning", "error")]
"""The least important lines of the log that are still written."""

LOG_PARTS = (
    "api_keys", "app", "archive", "archiving", "filling", "net", "net.connection", "net.intake",
    "net.rest", "net.venue", "ops", "ops.alerts", "ops.status", "ops.terminal", "ops.web",
    "recording", "reload",
    "sealing",
)  # fmt: skip
"""The parts of the program that write lines, as its packages are named."""

USUAL_LINGER_MS = 200
"""The writer gathers until its next sync anyway, once a second."""

USUAL_COALESCE_MS = 20
"""A wake-up costs as much as many messages; the kernel notes when they came, and a row is visible a
second later anyway."""

Timeout: TypeAlias = Annotated[
    float, between(0.1, 86_400.0, "seconds", "a connection must get a chance and an end")
]
Backoff: TypeAlias = Annotated[
    float, between(0.01, 3600.0, "seconds", "less would hammer the exchange, more is an outage")
]


Redundancy: TypeAlias = Annotated[
    int, between(1, 2, "lines", "each line is a connection more for the same subscriptions")
]


WsEndpoint: TypeAlias = Annotated[str, plain, url("ws", "wss")]
RestEndpoint: TypeAlias = Annotated[str, plain, url("http", "https")]


BookDepth: TypeAlias = Annotated[
    int, between(0, 100_000, "levels", "no exchange offers more of a side")
]
BookInterval: TypeAlias = Annotated[
    int, between(0, 60_000, "ms", "no exchange offers a slower book")
]


@attrs.frozen(kw_only=True)
class LoggerConfig:
    """Where and how often to write, and how much memory to spend on it."""

    data_path: Annotated[str, text] = "./data"
    flush_interval_secs: Annotated[
        float, between(0.05, 60.0, "seconds", "it is the reorder window and the file flush")
    ] = 1.0
    persist_interval_secs: Annotated[
        float, between(0.05, 4.5, "seconds", "a power cut must cost less than five seconds")
    ] = 1.0
    checkpoint_interval_secs: Annotated[
        float, between(1.0, 3600.0, "seconds", "recovery reads again what came after it")
    ] = 30.0
    journal_keep_hours: Annotated[
        float, between(0.0, 87_600.0, "hours", "the journal is what was received, as received")
    ] = 24.0
    journal_keep_mib: Annotated[
        int, between(0, 2**30, "MiB", "what recovery needs is kept in any case")
    ] = 1024
    linger_ms: Annotated[
        int, between(0, 1000, "ms", "frames wait this long to be decoded together")
    ] = attrs.Factory(lambda self: self.share_of_persist_ms(USUAL_LINGER_MS), takes_self=True)
    read_coalesce_ms: Annotated[
        int, between(0, 1000, "ms", "what has come waits this long in the sockets")
    ] = attrs.Factory(lambda self: self.room_beside_linger_ms(USUAL_COALESCE_MS), takes_self=True)
    shutdown_timeout_secs: Annotated[
        float, between(0.1, 600.0, "seconds", "the last flush needs time, and a supervisor an end")
    ] = 20.0
    buffer_limit_mib: Annotated[
        int, between(1, 65_536, "MiB", "frames are held in this much memory if the disk stalls")
    ] = 256
    price_dtype: Annotated[str, one_of("f4+rest", "f4", "f8")] = "f4+rest"
    backfill_days: Annotated[
        int, between(0, 3_650, "days", "holes that began before are not asked about at a start")
    ] = 7
    validate: bool = True
    """Whether rows are looked at once they are on disk, and what looks wrong is marked."""
    legacy_links: bool = False
    """Whether links let a reader of an earlier logger's layout read the first exchange."""
    log_level: Level = "info"
    log_levels: Annotated[dict[str, Level], keys_among(LOG_PARTS, "a part of the program")] = (
        attrs.field(factory=dict)
    )
    """By part of the program, in place of the others; the longest name that fits counts."""
    log_stderr: Annotated[str, one_of("auto", "text", "json")] = "auto"
    """How lines look on standard error, and whether all of them go there beside a file."""
    log_file: Annotated[str, plain] = ""
    log_file_level: Annotated[str, one_of("same", "debug", "info", "warning", "error")] = "same"
    log_retention_days: Annotated[
        int, between(1, 3_650, "days", "the file of each day is removed after so many")
    ] = 14
    symbol_mappings: Annotated[str, existing_file] = ""

    def share_of_persist_ms(self, usual_ms: int) -> int:
        """The usual time, or a quarter of `persist_interval_secs` if that is less."""
        return min(usual_ms, int(self.persist_interval_secs * 1000 / 4))

    def room_beside_linger_ms(self, usual_ms: int) -> int:
        """The usual time, or what `linger_ms` leaves of half of `persist_interval_secs`."""
        return min(usual_ms, max(0, int(self.persist_interval_secs * 1000 / 2) - self.linger_ms))


@attrs.frozen(kw_only=True)
class TokenConfig:
    """A token that opens a part of what is served: of some exchanges, metrics or the page."""

    name: Annotated[str, text]
    token: Annotated[str, secret] = attrs.field(default="", repr=False)
    file: Annotated[str, existing_file] = ""
    """That holds the token, instead of `token`."""
    exchanges: Symbols = "all"
    metrics: bool = False
    page: bool = False


@attrs.frozen(kw_only=True)
class HttpConfig:
    """The address of health, metrics and the status page; port 0 takes any free one."""

    enabled: bool = True
    host: Annotated[str, text] = "127.0.0.1"
    port: Annotated[int, between(0, 65_535, "(TCP)", "that is the range of port numbers")] = 9090
    token: Annotated[str, secret] = attrs.field(default="", repr=False)
    """What everything but /health asks for, as `Authorization: Bearer ...`; empty: nothing."""
    tokens: tuple[TokenConfig, ...] = ()
    """Others, each of which opens a part."""
    host_names: HostNames = ()
    """By which names it may be asked, beside those of loopback; empty: by any, unless it listens on
    loopback only."""
    metrics_by_symbol: bool = False
    """Whether there are numbers by symbol too: thousands of series, where all are recorded."""


@attrs.frozen(kw_only=True)
class AlertsConfig:
    """Who is told when something is wrong, where no Prometheus watches."""

    webhook: Annotated[str, secret_url] = attrs.field(default="", repr=False)
    """To this address a few conditions are posted as they begin and as they end; empty: none."""
    ca_file: Annotated[str, existing_file] = ""


@attrs.frozen(kw_only=True)
class BucketConfig:
    """The bucket of the archive, and how often it is asked; credentials are in the environment."""

    bucket: Annotated[str, bucket_name] = ""
    prefix: Annotated[str, key_prefix] = ""
    region: Annotated[str, plain] = ""
    """Empty: that of AWS_REGION in the environment, or us-east-1."""
    endpoint: Annotated[str, url_or_nothing("http", "https")] = ""
    """Of a server other than AWS; empty: AWS."""
    attempts: Annotated[
        int, between(1, 100, "attempts", "what failed so often waits for the next cycle")
    ] = 5
    retry_initial_secs: Annotated[
        float, between(0.01, 3600.0, "seconds", "less would hammer the server")
    ] = 1.0
    retry_max_secs: Annotated[
        float, between(0.01, 3600.0, "seconds", "more is a matter for the next cycle")
    ] = 30.0
    concurrency: Annotated[
        int, between(1, 64, "objects at once", "each takes up to 64 MiB of memory")
    ] = 4


@attrs.frozen(kw_only=True)
class ArchiveConfig:
    """What becomes of days that are over: sealed and certified, packed, and kept elsewhere."""

    mode: Annotated[str, one_of("off", "local", "s3", "both")] = "off"
    local_path: Annotated[str, text] = "./archive"
    server_name: Annotated[str, server_part] = ""
    """In the names of objects; empty: this machine's name."""
    raw: bool = True
    tables: bool = True
    rotate_secs: Annotated[
        int,
        between(60, 86_400, "seconds", "so old raw files may get before they are kept"),
    ] = 3600
    rotate_mib: Annotated[
        int, between(1, 65_536, "MiB", "so large raw files may get before they are kept")
    ] = 500
    seal_after_secs: Annotated[
        float, between(1.0, 604_800.0, "seconds", "what comes after it is kept beside the day")
    ] = 3600.0
    keep_days: Annotated[int, between(0, 36_500, "days", "0 keeps column files for ever")] = 0
    layout: Annotated[str, one_of("hive", "source")] = "hive"
    key_file: Annotated[str, existing_file] = ""
    """With this key (Ed25519, PEM) certificates are signed; empty: they are not."""
    s3: BucketConfig = BucketConfig()


@attrs.frozen(kw_only=True)
class MarketConfig:
    """Settings that differ for some symbols; None leaves the exchange's own."""

    symbols: Patterns
    feeds: Feeds | None = None
    data_timeout_secs: Timeout | None = None
    redundancy: Redundancy | None = None
    ws_endpoint: WsEndpoint | None = None
    rest_endpoint: RestEndpoint | None = None
    book_depth: BookDepth | None = None
    book_interval_ms: BookInterval | None = None


@attrs.frozen(kw_only=True)
class ExchangeConfig:
    """What to record of one exchange, and how to treat its servers."""

    enabled: bool = True
    adapter: str = ""
    """Whose venue it is, where this is an entrance with a name of its own."""
    ws_endpoint: WsEndpoint
    rest_endpoint: RestEndpoint
    symbols: Symbols = "all"
    feeds: Feeds = DEFAULT_FEEDS
    book_depth: BookDepth = 0
    """Levels of a side; 0: as the adapter usually asks for."""
    book_interval_ms: BookInterval = 0
    """The least time between two messages of a book; 0: the usual one of that depth."""
    max_connections: Annotated[
        int, between(1, 1000, "connections", "each costs a socket and a few tasks")
    ] = 10
    symbols_per_connection: Annotated[
        int,
        between(
            0, MOST_SYMBOLS_PER_CONNECTION, "symbols", "exchanges refuse more on one connection"
        ),
    ] = 0
    """0: the usual number each, and more where there would not be enough connections."""
    feeds_per_connection: Annotated[str, one_of("together", "apart")] = "together"
    """Whether the feeds of a symbol share a connection, or each has one of its own."""
    max_message_mib: Annotated[
        int, between(1, 64, "MiB", "as much may be held of each connection, and the journal takes")
    ] = 64
    """The largest message by WebSocket; a connection that is sent more is ended."""
    connects_per_second: Annotated[
        float, between(0.001, 100.0, "per second", "exchanges ban clients that connect faster")
    ] = 1.0
    reconnect_initial_secs: Backoff = 1.0
    reconnect_max_secs: Backoff = 60.0
    data_timeout_secs: Timeout = 60.0
    first_data_timeout_secs: Timeout = 120.0
    redundancy: Redundancy = 1
    """2: every subscription on two connections, of which each fills what the other lacks."""
    backfill: bool = True
    """Whether the exchange is asked by REST for trades that were missed."""
    ca_file: Annotated[str, existing_file] = ""
    file_group: Annotated[str, existing_group] = ""
    file_mode: Annotated[str, mode_of_files] = ""
    """Of all files of the exchange; both empty: they are made as ever."""
    markets: tuple[MarketConfig, ...] = ()


@attrs.frozen(kw_only=True)
class Config:
    """Everything that one run of the recorder is told."""

    logger: LoggerConfig = LoggerConfig()
    http: HttpConfig = HttpConfig()
    alerts: AlertsConfig = AlertsConfig()
    archive: ArchiveConfig = ArchiveConfig()
    exchanges: dict[str, ExchangeConfig] = attrs.field(factory=dict)


@attrs.frozen
class BookKind:
    """A book that an exchange offers: levels of a side, and ms between two of its messages.

    0 is for all levels that there are, and for messages as it changes.  `refused` says why it is
    not recorded, if it is not.
    """

    depth: int
    interval_ms: int
    refused: str = ""


@attrs.frozen
class VenueDefaults:
    """What an adapter says of its exchange: its defaults, what it can record, and its limits."""

    ws_endpoint: str
    rest_endpoint: str
    feeds: frozenset[str]
    connects_per_second: float = 1.0
    subscriptions_per_connection: int | None = None  # None: no limit is known
    recorded_by_default: bool = True  # where no exchange is named
    entrances: tuple[tuple[str, str], ...] = ()
    """The known endpoints for connections, and those for REST that belong to them."""
    books: tuple[BookKind, ...] = ()
    """Those that there are; the usual one first, and of each depth the usual interval first."""


def sections() -> dict[str, type[attrs.AttrsInstance]]:
    """The class of each section that there is once, by name: all but those of the exchanges."""
    return {name: kind for name, kind in get_type_hints(Config).items() if attrs.has(kind)}
