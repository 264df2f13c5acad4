"""The numbers of a venue that whoever talks to it must respect."""

from __future__ import annotations

import attrs


@attrs.frozen(kw_only=True)
class Profile:
    """Each with its unit."""

    max_answer_bytes: int = 16 * 1024 * 1024  # of one by REST that becomes a message
    connects_per_second: float = 1.0  # unless configured otherwise
    connects_burst: int = 1  # so many at once, and in any `connects_burst / connects_per_second` s
    client_messages_per_second: float  # pings, pongs and requests together
    requests_per_second: float  # of these, how many may be requests: leaves room for pongs
    requests_per_hour: int | None = None  # of one connection, pings not counted; None: no limit
    subscriptions_per_request: int
    subscriptions_per_connection: int | None = None  # None: no limit is known
    ack_timeout_secs: float = 10.0
    ping_interval_secs: float = 20.0
    ping_timeout_secs: float = 10.0
    ping_text: str = ""  # a message that the venue answers with a `Pong`; "": protocol pings
    heartbeat_silence_secs: float | None = None  # None: the venue sends no heartbeat of its own
    lifetime_secs: tuple[float, float] | None = None  # replace a connection at a random age within
    listing_interval_secs: float = 300.0  # how often a REST listing is read again
    rest_weight_per_minute: int = 120  # of all REST requests together; far below any venue's limit
    listing_weight: int = 1  # of one page of a listing
    ban_secs: float = 120.0  # how long a ban lasts for which no time is named
