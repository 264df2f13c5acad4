"""The number of reads of sockets by what their times are, collected when it is asked for.

The poller counts; looking a label up for each read would cost more than the read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

import attrs
from prometheus_client.core import CounterMetricFamily
from prometheus_client.registry import Collector

from tick_logger.telemetry.families import PREFIX


@attrs.frozen(eq=False)
class Reads(Collector):
    """Shows what `by_time` gives: how many reads have a time of this kind."""

    by_time: Callable[[], Mapping[str, int]]

    def collect(self) -> Iterable[CounterMetricFamily]:
        """One counter, with a label for the kind."""
        text = "Reads of sockets, by whether the kernel gave the time of receipt"
        family = CounterMetricFamily(PREFIX + "reads", text, labels=["time"])
        for kind, count in self.by_time().items():
            family.add_metric([kind], count)
        yield family
