"""From a configuration to a webhook that hears of it: the real way there, in a faster time."""

from __future__ import annotations

import json
from pathlib import Path

import attrs
import pytest
import trio

from tests.net.wire.test_posting import address, serving
from tests.ops.watched import Rig
from tests.ops.web.sockets import happens
from tick_logger.alerting import alarm_of
from tick_logger.config.schema import AlertsConfig, HttpConfig
from tick_logger.errors import ConfigError
from tick_logger.model.cause import Cause
from tick_logger.ops.watch import Watch


async def test_what_is_wrong_reaches_the_webhook(tmp_path: Path) -> None:
    """A hole that stays, noticed by what watches a recorder."""
    rig = Rig()
    with serving() as hook:
        alarm = alarm_of(AlertsConfig(webhook=address(hook)), rig.metrics, rig.clock)
        assert alarm is not None
        watched = rig.watched(data_path=str(tmp_path))
        watching = Watch(
            HttpConfig(enabled=False), watched, lambda: 0, attrs.evolve(alarm, faster=200.0)
        )
        async with trio.open_nursery() as nursery:
            nursery.start_soon(watching.run)
            rig.metrics.exchange("alpha").holes.left_for_good(Cause.SEQUENCE)
            # It counts when the answer is there, which is after the webhook has heard of it.
            await happens(lambda: rig.metrics.samples()["collector_alerts_posted_total", ""] == 1)
            nursery.cancel_scope.cancel()
    said = json.loads(hook.got[0][2])
    assert (said["alert"], said["exchange"], said["cause"]) == ("GapOpened", "alpha", "sequence")
    assert len(hook.got) == 1


def test_nobody_is_told_without_a_webhook() -> None:
    """Which is the default."""
    rig = Rig()
    assert alarm_of(AlertsConfig(), rig.metrics, rig.clock) is None


def test_a_file_without_certificates_is_named(tmp_path: Path) -> None:
    """By the path of its key, when the recorder starts."""
    file = tmp_path / "ca.pem"
    file.write_text("none")
    rig = Rig()
    config = AlertsConfig(webhook="https://127.0.0.1/x", ca_file=str(file))
    with pytest.raises(ConfigError) as refused:
        alarm_of(config, rig.metrics, rig.clock)
    ((path, _),) = refused.value.problems
    assert path == "alerts.ca_file"
