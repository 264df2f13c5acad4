"""The container files: what can be said of them without an engine."""

from __future__ import annotations

import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest

from tests.operating.operations import CONFIG, ROOT, load_yaml
from tick_logger.archive.archiver import PACK_SECS, SEND_SECS
from tick_logger.config.schema import HttpConfig, LoggerConfig
from tick_logger.storage.disk_files import MAX_OPEN_FILES

COMPOSE = load_yaml(CONFIG / "docker-compose.yml")
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
DOCKERFILE = (CONFIG / "Dockerfile").read_text()
HEALTHCHECK = "config/healthcheck.py"
each_service = pytest.mark.parametrize("name", sorted(SERVICES))


def test_the_services_that_there_are() -> None:
    """The recorder and who watches it."""
    assert set(SERVICES) == {
        "tick_logger", "prometheus", "alertmanager", "grafana", "node-exporter",
    }  # fmt: skip


@each_service
def test_each_service_is_confined(name: str) -> None:
    """No capabilities, no new privileges, bounded memory and logs, and back after a failure."""
    service = SERVICES[name]
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["restart"] == "unless-stopped"
    assert service["logging"]["options"] == {"max-size": "50m", "max-file": "5"}
    assert "mem_limit" in service
    assert "privileged" not in service


@each_service
def test_nothing_is_open_to_the_network(name: str) -> None:
    """Ports of this machine only."""
    assert all(port.startswith("127.0.0.1:") for port in SERVICES[name].get("ports", []))


def test_images_are_pinned() -> None:
    """By a whole version at least; a digest may follow."""
    images = [each["image"] for each in SERVICES.values() if "build" not in each]
    images += re.findall(r"(?m)^FROM (\S+)", DOCKERFILE)
    assert len(images) == 6
    for image in images:
        assert re.fullmatch(r"[\w/-]+:v?\d+\.\d+\.\d+[\w.-]*(@sha256:[0-9a-f]{64})?", image), image


def test_every_volume_and_mount_exists() -> None:
    """Named volumes are declared, and mounted files are in the repository."""
    for name, service in SERVICES.items():
        for volume in service.get("volumes", []):
            source = volume.split(":")[0]
            if source.startswith("."):
                assert (CONFIG / source).exists(), f"{name}: {source}"
            elif not source.startswith("/"):
                assert source in COMPOSE["volumes"], f"{name}: {source}"
    assert "ticks:/data" in SERVICES["tick_logger"]["volumes"]
    assert "TICK_LOGGER__LOGGER__DATA_PATH=/data" in DOCKERFILE


def test_the_recorder_keeps_its_promises_in_a_container() -> None:
    """Nothing is written but data, a stop has its time, and files enough may be open."""
    service = SERVICES["tick_logger"]
    assert service["read_only"] is True
    assert service["init"] is True
    deadline_secs = LoggerConfig().shutdown_timeout_secs
    assert (
        int(service["stop_grace_period"].removesuffix("s"))
        >= 2 * deadline_secs + PACK_SECS + SEND_SECS
    )
    assert service["ulimits"]["nofile"]["soft"] // 2 == MAX_OPEN_FILES
    assert re.findall(r"(?m)^USER (.+)$", DOCKERFILE) == ["tick_logger"]


def test_log_lines_outlive_the_container() -> None:
    """As JSON in a folder of the host; what the engine keeps is for people."""
    service = SERVICES["tick_logger"]
    assert "./logs:/logs" in service["volumes"]
    assert service["environment"] == {
        "TICK_LOGGER__LOGGER__LOG_FILE": "/logs/tick_logger.log",
        "TICK_LOGGER__LOGGER__LOG_STDERR": "text",
    }
    uid = re.findall(r"useradd --uid (\d+)", DOCKERFILE)
    assert [f"chown {each} logs" in (CONFIG / "README.md").read_text() for each in uid] == [True]


def test_the_health_check_asks_the_port_of_the_configuration() -> None:
    """In the compose file as in the image, by the script that the image holds."""
    assert SERVICES["tick_logger"]["healthcheck"]["test"] == ["CMD", "python", HEALTHCHECK]
    assert f'CMD ["python", "{HEALTHCHECK}"]' in DOCKERFILE
    assert f'"{HttpConfig().port}"' in (ROOT / HEALTHCHECK).read_text()
    assert f"127.0.0.1:9090:{HttpConfig().port}" in SERVICES["tick_logger"]["ports"]


def test_prometheus_asks_the_services_that_there_are() -> None:
    """By their names and ports in the network of the containers, and the host by its own."""
    jobs = load_yaml(CONFIG / "prometheus" / "prometheus.yml")["scrape_configs"]
    targets = [
        target for job in jobs for each in job["static_configs"] for target in each["targets"]
    ]
    assert targets == [f"tick_logger:{HttpConfig().port}", "host.docker.internal:9100"]
    assert SERVICES["prometheus"]["extra_hosts"] == ["host.docker.internal:host-gateway"]


def test_the_exporter_of_the_host_shows_the_host() -> None:
    """Its network, and not that of a container; heard by containers alone."""
    exporter = SERVICES["node-exporter"]
    assert (exporter["network_mode"], exporter["pid"]) == ("host", "host")
    (listens,) = re.findall(r"--web.listen-address=(\S+)", " ".join(exporter["command"]))
    assert listens == "${DOCKER_BRIDGE:-172.17.0.1}:9100"
    others = [each for name, each in SERVICES.items() if name != "node-exporter"]
    assert all("network_mode" not in each for each in others)


def test_what_the_image_copies_is_let_through() -> None:
    """`.dockerignore` shuts everything out but that; and it all exists."""
    lines = [line for line in (ROOT / ".dockerignore").read_text().splitlines() if line[:1] != "#"]
    assert lines[0] == "*"
    let_through = {line[1:].rstrip("/") for line in lines if line.startswith("!")}
    copied = {
        source
        for line in re.findall(r"(?m)^COPY (?!--from)(.+)$", DOCKERFILE)
        for source in line.split()[:-1]
    }
    assert copied == let_through
    assert all((ROOT / source).exists() for source in copied)


def test_packages_come_from_the_lock_file_by_their_hashes() -> None:
    """And from nowhere else."""
    (install,) = re.findall(r"pip install((?:.*\\\n)*.*)", DOCKERFILE)
    assert "--require-hashes" in install
    assert "--no-deps" in install
    assert "-r /requirements-archive.lock" in install


def test_the_image_can_keep_an_archive() -> None:
    """All that a run needs, and the extra, in the versions that are tested, by the same hashes."""

    def packages(name: str) -> set[str]:
        return set(re.findall(r"(?m)^([\w.-]+==\S+)", (ROOT / name).read_text()))

    image, tested = packages("requirements-archive.lock"), packages("requirements-dev.lock")
    assert packages("requirements.lock") < image <= tested
    extra = {each.split("==")[0] for each in image - packages("requirements.lock")}
    assert {"obstore", "pyarrow", "trio-parallel"} <= extra


def test_objects_can_be_kept_at_home() -> None:
    """A file beside the compose file brings a bucket, which is reached by its name."""
    beside = load_yaml(CONFIG / "docker-compose.s3.yml")["services"]
    environment = beside["tick_logger"]["environment"]
    endpoint = environment["TICK_LOGGER__ARCHIVE__S3__ENDPOINT"]
    assert endpoint == "http://s3:5000"
    assert environment["TICK_LOGGER__ARCHIVE__MODE"] == "both"
    assert environment["TICK_LOGGER__ARCHIVE__LOCAL_PATH"].startswith("/data/")
    server = beside["s3"]
    assert re.fullmatch(r"[\w/-]+:\d+\.\d+\.\d+", server["image"])
    assert all(port.startswith("127.0.0.1:") for port in server["ports"])
    assert server["cap_drop"] == ["ALL"]


# -- the health check itself ----------------------------------------------------------------------


class _Answer(BaseHTTPRequestHandler):
    """A recorder that is ready for whoever has the token "secret"."""

    def do_GET(self) -> None:
        may = self.headers["Authorization"] == "Bearer secret"
        self.send_response(200 if self.path == "/ready" and may else 503)
        self.end_headers()
        self.wfile.write(b'{"ready": false, "reasons": ["the disk is full"]}')

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def port() -> Iterator[int]:
    """Where such a recorder listens."""
    with HTTPServer(("127.0.0.1", 0), _Answer) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server.server_port
        server.shutdown()
        thread.join()


def _check(port: int, token: str, name: str = "TICK_LOGGER__HTTP__PORT") -> tuple[int, str]:
    environ = {
        name: str(port),
        "TICK_LOGGER__HTTP__TOKEN": token,
        "http_proxy": "http://127.0.0.1:9",  # nobody listens there, and nobody is to be asked
    }
    done = subprocess.run(
        [sys.executable, "-I", str(ROOT / HEALTHCHECK)],
        capture_output=True, text=True, timeout=30, check=False, env=environ,
    )  # fmt: skip
    assert done.stderr == ""
    return done.returncode, done.stdout


def test_a_ready_recorder_is_healthy(port: int) -> None:
    """Asked with the token from the environment, and past any proxy."""
    assert _check(port, "secret") == (0, "")
    assert _check(port, "secret", "METRICS_PORT") == (0, "")


def test_one_that_is_not_ready_is_unhealthy_and_says_why(port: int) -> None:
    """Its reasons are in the output, which `docker inspect` shows."""
    assert _check(port, "") == (1, '{"ready": false, "reasons": ["the disk is full"]}\n')


def test_one_that_does_not_answer_is_unhealthy() -> None:
    """No traceback, but the reason."""
    code, said = _check(1, "")
    assert code == 1
    assert said.startswith("no answer: ")
