"""A recorder, the exchanges that it records, and the Prometheus that watches it: real processes.

All on loopback, at ports that the system chooses, which each of them says when it has them.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any, TypeAlias, TypeVar
from urllib.parse import urlsplit

import attrs
import httpx2

from tests.operating.hastened import write_hastened
from tests.service.processes import ENVIRONMENT, command
from tick_logger.exchanges import registry

PROMETHEUS_PROGRAM = shutil.which("prometheus")

PATIENCE_SECS = 60.0  # until something has happened, on a busy machine; it ends much sooner
GLANCE_SECS = 0.1

Answer = TypeVar("Answer")
Running: TypeAlias = tuple[subprocess.Popen[bytes], str]  # a process and its address


def wait_for(look: Callable[[], Answer]) -> Answer:
    """What `look` gives, once that is anything."""
    deadline = time.monotonic() + PATIENCE_SECS
    while not (found := look()):
        assert time.monotonic() < deadline, f"in vain: {look}"
        time.sleep(GLANCE_SECS)
    return found


@contextmanager
def running(arguments: Sequence[str], output: Path, address: str) -> Iterator[Running]:
    """A process; its address is what the pattern finds in what it says.

    It is killed in the end, even if it was stopped.
    """
    with (
        output.open("wb") as said,
        subprocess.Popen(arguments, stdout=said, stderr=said, env=ENVIRONMENT) as process,
    ):
        try:
            found = wait_for(
                lambda: process.poll() is not None or re.search(address, output.read_text())
            )
            assert isinstance(found, re.Match), f"it ended: {output.read_text()}"
            yield process, found[1]
        finally:
            process.kill()


def simulated(name: str, rate: float, folder: Path) -> AbstractContextManager[Running]:
    """One simulated exchange, as `running`."""
    arguments = command("simulate", name, "--rate", f"{rate:g}")
    return running(arguments, folder / f"{name}.log", r"http://([0-9.:]+),")


def recorder(
    addresses: Mapping[str, str], feed: str, folder: Path
) -> AbstractContextManager[Running]:
    """A recorder of one feed of the exchanges at these addresses, as `running`."""
    lines = [
        f'[logger]\ndata_path = "{folder / "data"}"\nflush_interval_secs = 0.1\n'
        "[http]\nport = 0\nmetrics_by_symbol = true\n"
    ]
    for name, address in addresses.items():
        path = urlsplit(registry.get(name).ws_endpoint).path
        lines.append(
            f'[exchanges.{name}]\nws_endpoint = "ws://{address}{path}"\n'
            f'rest_endpoint = "http://{address}"\nfeeds = ["{feed}"]\n'
        )
    config = folder / "recorder.toml"
    config.write_text("".join(lines))
    return running(
        command("--config", str(config)), folder / "recorder.log", r'"http://([0-9.:]+)"'
    )


@attrs.frozen
class Prometheus:
    """A Prometheus, asked over its HTTP interface."""

    client: httpx2.Client

    def get(self, path: str, **parameters: str) -> dict[str, Any]:
        """The data of an answer."""
        answer = self.client.get(f"/api/v1/{path}", params=parameters)
        document = answer.json()
        assert document["status"] == "success", document
        data: dict[str, Any] = document["data"]
        return data

    def query(self, expression: str) -> list[dict[str, str]]:
        """The labels of each element of an expression's value."""
        return [each["metric"] for each in self.get("query", query=expression)["result"]]

    def rules(self) -> dict[str, str]:
        """By the name of an alert its health: "unknown", "ok" or what is wrong."""
        return {
            rule["name"]: rule.get("lastError") or rule["health"]
            for group in self.get("rules")["groups"]
            for rule in group["rules"]
            if rule["type"] == "alerting" or rule["health"] != "ok"
        }

    def targets(self) -> dict[str, str]:
        """By job its health: "unknown", "up" or "down"."""
        targets = self.get("targets")["activeTargets"]
        return {target["labels"]["job"]: target["health"] for target in targets}


@contextmanager
def prometheus(target: str, folder: Path, alertmanager: str = "") -> Iterator[Prometheus]:
    """One that watches the recorder at `target` with our rules, in a faster time.

    Alerts go to the Alertmanager at that address, if there is one.
    """
    assert PROMETHEUS_PROGRAM is not None
    arguments = [
        PROMETHEUS_PROGRAM,
        f"--config.file={write_hastened(folder, target, alertmanager)}",
        f"--storage.tsdb.path={folder / 'prometheus'}",
        "--web.listen-address=127.0.0.1:0",
    ]
    said = r'msg="Listening on".* address=([0-9.:]+)'
    with (
        running(arguments, folder / "prometheus.log", said) as (_, address),
        httpx2.Client(base_url=f"http://{address}", timeout=PATIENCE_SECS) as client,
    ):
        wait_for(lambda: client.get("/-/ready").status_code == 200)
        yield Prometheus(client)
