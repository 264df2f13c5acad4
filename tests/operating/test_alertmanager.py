"""A real Alertmanager with our configuration, behind a real Prometheus with our rules.

Its times are faster ones, as those of Prometheus (see `hastened`); the address to which it
writes is that of a webhook on loopback, as the secret file says.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import attrs
import pytest
import yaml

from tests.net.wire.test_posting import Hook, serving
from tests.operating.checkers import amtool, needs_amtool
from tests.operating.hastened import hastened
from tests.operating.operations import CONFIG, load_yaml, rules
from tests.operating.running import PROMETHEUS_PROGRAM, prometheus, running, wait_for

CONFIGURATION = CONFIG / "alertmanager" / "alertmanager.yml"
SECRET_FILE = "/run/secrets/alert_url"
PROGRAM = shutil.which("prometheus-alertmanager") or shutil.which("alertmanager")


@needs_amtool
def test_the_configuration_is_correct() -> None:
    """Alertmanager would start with it."""
    assert "SUCCESS" in amtool("check-config", CONFIGURATION)


@needs_amtool
def test_the_other_ways_are_correct(tmp_path: Path) -> None:
    """E-mail as it stands in the comments; a service's own format needs a newer Alertmanager."""
    head, *others = re.split(r"(?m)^receivers:$", re.sub(r"(?m)^# (?=receivers:| )", "", _text()))
    receivers = ["receivers:" + other.partition("\n#")[0] for other in others]
    assert len(receivers) == 3
    for number, text in enumerate(receivers):
        file = tmp_path / f"{number}.yml"
        file.write_text(f"{head}{text}\n".replace("url_file: /run", "url: http://x/run"))
        assert "SUCCESS" in amtool("check-config", file)


@needs_amtool
@pytest.mark.parametrize("rule", rules(), ids=lambda rule: rule["alert"])
def test_each_alert_goes_where_its_severity_says(rule: dict[str, Any]) -> None:
    """Whatever is critical wakes somebody."""
    severity = rule["labels"]["severity"]
    labels = (f"alertname={rule['alert']}", f"severity={severity}", "instance=a")
    said = amtool("config", "routes", "test", f"--config.file={CONFIGURATION}", *labels)
    assert said.split() == [{"critical": "now", "warning": "morning"}[severity]]


def test_one_secret_is_all_that_it_needs() -> None:
    """In a file that the container gets from one variable."""
    document = yaml.safe_load(_text())
    compose = load_yaml(CONFIG / "docker-compose.yml")
    files = re.findall(r"\w+_file: (\S+)", _text())
    assert set(files) == {SECRET_FILE}
    assert compose["secrets"] == {"alert_url": {"environment": "ALERT_URL"}}
    assert compose["services"]["alertmanager"]["secrets"] == ["alert_url"]
    assert all(each["slack_configs"][0]["send_resolved"] for each in document["receivers"])


def test_prometheus_knows_where_it_is() -> None:
    """By the name and the port of the container."""
    (manager,) = load_yaml(CONFIG / "prometheus" / "prometheus.yml")["alerting"]["alertmanagers"]
    assert manager["static_configs"] == [{"targets": ["alertmanager:9093"]}]
    services = load_yaml(CONFIG / "docker-compose.yml")["services"]
    assert services["alertmanager"]["ports"] == ["127.0.0.1:9093:9093"]


def _text() -> str:
    return CONFIGURATION.read_text(encoding="utf-8")


# -- for real -------------------------------------------------------------------------------------


@attrs.frozen
class Woken:
    """What has reached the webhook."""

    hook: Hook

    def titles(self) -> list[str]:
        """Of each message."""
        return [json.loads(body)["attachments"][0]["title"] for _, _, body in list(self.hook.got)]


@pytest.fixture(scope="module")
def woken(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Woken]:
    """A Prometheus whose recorder does not answer, an Alertmanager, and a webhook."""
    if PROGRAM is None or PROMETHEUS_PROGRAM is None:
        pytest.skip("Debian: apt install prometheus prometheus-alertmanager")
    folder = tmp_path_factory.mktemp("woken")
    with ExitStack() as stack:
        hook = stack.enter_context(serving())
        secret = folder / "alert_url"
        secret.write_text(f"http://127.0.0.1:{hook.server_port}/secret")
        config = folder / "alertmanager.yml"
        config.write_text(_hastened(_text()).replace(SECRET_FILE, str(secret)))
        arguments = [
            PROGRAM, f"--config.file={config}", f"--storage.path={folder}",
            "--web.listen-address=127.0.0.1:0", "--cluster.listen-address=",
        ]  # fmt: skip
        said = r'msg="Listening on" address=([0-9.:]+)'
        _, address = stack.enter_context(running(arguments, folder / "alertmanager.log", said))
        stack.enter_context(prometheus("127.0.0.1:1", folder, alertmanager=address))
        yield Woken(hook)


def _hastened(text: str) -> str:
    """With all its times divided."""
    times = re.compile(r"(?m)((?:wait|interval): )(\w+)$")
    return times.sub(lambda found: found[1] + hastened(found[2]), text)


@pytest.mark.slow
@pytest.mark.xdist_group("prometheus")
def test_an_alert_reaches_somebody(woken: Woken) -> None:
    """A recorder that does not answer: by name, in words, with where to read on."""
    wait_for(woken.titles)
    path, kind, body = woken.hook.got[0]
    (attachment,) = json.loads(body)["attachments"]
    assert (path, kind) == ("/secret", "application/json")
    assert attachment["title"] == "Now: TargetDown"
    assert attachment["text"] == (
        "tick_logger on 127.0.0.1:1 does not answer (config/prometheus/README.md#targetdown)\n"
    )
