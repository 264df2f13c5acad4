"""The numbers of one exchange that tell how evenly its connections share the load."""

from __future__ import annotations

from prometheus_client import Counter, Gauge

from tick_logger.telemetry.families import Families


class LoadMetrics:
    """How uneven connections are, and what is done about it."""

    def __init__(self, families: Families, exchange: str) -> None:
        text = "How many times the messages of the quietest connection the busiest has, of one kind"
        self.unevenness = families.family(Gauge, "connection_unevenness", text).labels(exchange)
        text = "Times that symbols went to another connection because of their load, by the outcome"
        moves = families.family(Counter, "connection_moves", text, "how")
        self.moves = moves.labels(exchange, "made")
        self.taken_back = moves.labels(exchange, "taken_back")
