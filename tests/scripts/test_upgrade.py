"""An upgrade that goes back by itself: of small programs in all cases, of the recorder in one."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from scripts.upgrading.readiness import Recorder, recorder_of
from tests.scripts.installed import LONG_SECS, ROOT, Installed
from tests.service.processes import ENVIRONMENT, command, verify, wait_for_rows

pytestmark = pytest.mark.slow

STUB = """
import http.server, json, os, signal, sys, tomllib
BEHAVIOUR = {behaviour!r}
if sys.argv[1] == "check-config":
    assert sys.argv[3] == "--data-path"
    if BEHAVIOUR == "refuses":
        sys.exit("the directory was made by a newer version")
    http = tomllib.loads(open(sys.argv[2]).read())["http"]
    print("[http]\\nhost = '127.0.0.1'\\nport =", http["port"])
    sys.exit()
if BEHAVIOUR == "crashes":
    sys.exit(1)
asked = []
class Answer(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        may = self.headers["Authorization"] == os.environ.get("WANTED")
        asked.append(self.path)
        works = BEHAVIOUR == "works" or BEHAVIOUR == "falters" and len(asked) < 4
        ready = works and may
        self.send_response(200 if ready else 503)
        self.end_headers()
        self.wfile.write(json.dumps({{"reasons": [] if ready else ["nothing works"]}}).encode())
    def log_message(self, *_):
        pass
signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
port = tomllib.loads(open(sys.argv[2]).read())["http"]["port"]
http.server.HTTPServer(("127.0.0.1", port), Answer).serve_forever()
"""
GENERATIONS = "GENERATION, READABLE_FROM = {}, {}\n"


def stub(behaviour: str, generation: int = 1, readable_from: int = 1) -> dict[str, str]:
    """A program that behaves so."""
    return {
        "tick_logger/__init__.py": "",
        "tick_logger/__main__.py": STUB.format(behaviour=behaviour),
        "tick_logger/storage/__init__.py": "",
        "tick_logger/storage/format_file.py": GENERATIONS.format(generation, readable_from),
    }


@pytest.fixture
def installed(tmp_path: Path) -> Iterator[Installed]:
    """A version that works, which is stopped in the end."""
    found = Installed(tmp_path)
    found.release("v1", stub("works"))
    found.release("v2", stub("works") | {"new": ""})
    found.release("never", stub("is never ready"))
    found.release("falters", stub("falters"))
    found.release("crashes", stub("crashes"))
    found.release("refuses", stub("refuses"))
    found.release("newer", stub("works", 2, 2))
    found.install("v1")
    yield found
    found.manage("stop", "recorder")


def test_a_version_that_works(installed: Installed) -> None:
    """Stands beside the old one, which was a folder and is one still, under a name of its own."""
    code, said = installed.upgrade("v2")
    assert (code, installed.runs(), installed.ready()) == (0, "v2", True)
    assert installed.calls()[1:] == ["stop recorder", "start --no-block recorder"]
    assert installed.link.is_symlink()
    folders = sorted(each.name for each in installed.link.parent.iterdir())
    assert len(folders) == 3  # both versions, and the link
    assert all(re.fullmatch(r"recorder(-[0-9a-f]{12})?", each) for each in folders)
    assert "may be removed" in said


@pytest.mark.parametrize("version", ["never", "falters", "crashes"])
def test_a_version_that_does_not_record(installed: Installed, version: str) -> None:
    """At all, or not for long: the old one is back, as it was, and the reasons are said."""
    code, said = installed.upgrade(version, secs=LONG_SECS if version == "falters" else 0.5)
    assert (code, installed.runs(), installed.ready()) == (1, "v1", True)
    assert installed.calls()[1:] == ["stop recorder", "start --no-block recorder"] * 2
    assert ("Connection refused" if version == "crashes" else "nothing works") in said


@pytest.mark.parametrize(
    ("version", "reason"),
    [
        ("refuses", "the directory was made by a newer version"),
        ("newer", "there is no way back"),
        ("v9", "there is no version v9"),
        ("v1", "v1 is what is installed"),
    ],
)
def test_what_is_refused_before_anything_is_touched(
    installed: Installed, version: str, reason: str
) -> None:
    """The recorder goes on meanwhile."""
    code, said = installed.upgrade(version)
    assert code == 2
    assert said.splitlines()[1].startswith("Nothing was changed: ")
    assert reason in said
    assert installed.calls() == ["start recorder"]
    assert not installed.link.is_symlink()
    assert installed.ready()


def test_a_recorder_that_is_not_ready_is_not_upgraded(installed: Installed) -> None:
    """Nobody could tell whether the other one is worse; both down is said loudly."""
    installed.manage("stop", "recorder")
    code, said = installed.upgrade("v2")
    assert code == 2
    assert "what runs is not ready, so nobody could tell" in said
    shutil.rmtree(installed.link / "tick_logger")  # somebody has broken the old one
    code, said = installed.upgrade("never", "--anyway", secs=0.4)
    assert code == 3
    assert "The old version is not ready either:" in said


def test_no_way_back_is_taken_if_that_is_wanted(
    installed: Installed, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody has a copy; the token from the environment of the service is sent, and not said."""
    installed.manage("stop", "recorder")
    monkeypatch.setenv("WANTED", "Bearer hunter2")
    installed.manage("start", "recorder")
    (installed.folder / "environment").write_text('# keys\nTICK_LOGGER__HTTP__TOKEN="hunter2"\n')
    code, said = installed.upgrade("newer", "--anyway")
    assert (code, installed.runs(), "hunter2" in said) == (0, "newer", False)


@pytest.mark.parametrize(
    ("text", "environ", "token"),
    [
        ("", {}, ""),
        ("[http]\ntoken = 'a'\n", {}, "a"),
        ("[http]\ntoken = 'a'\n", {"TICK_LOGGER__HTTP__TOKEN": "b"}, "b"),
        ("[[http.tokens]]\nname = 'x'\ntoken = 'c'\n", {}, "c"),
        ("[[http.tokens]]\nname = 'x'\nfile = 'FILE'\n", {}, "d"),
    ],
)
def test_which_token_is_sent_and_where(
    text: str, environ: dict[str, str], token: str, tmp_path: Path
) -> None:
    """Of the environment, or else of the file; to this machine, whatever is listened on."""
    (tmp_path / "token").write_text("d\n")
    config = tmp_path / "c.toml"
    config.write_text(text.replace("FILE", str(tmp_path / "token")))
    for host, address in (("0.0.0.0", "127.0.0.1"), ("::", "[::1]"), ("10.0.0.1", "10.0.0.1")):
        found = recorder_of(f'[http]\nhost = "{host}"\nport = 9090\n', config, environ)
        assert found == Recorder(f"http://{address}:9090", token)
    assert "token" not in repr(found)


@pytest.mark.seldom
def test_the_recorder_itself_goes_back(tmp_path: Path) -> None:
    """A real one against a simulated exchange, and a version that never gets ready; what both have
    recorded is sound."""
    installed = Installed(tmp_path)
    for name in ("tick_logger", "config"):
        ignored = shutil.ignore_patterns("__pycache__", "logs")
        shutil.copytree(ROOT / name, installed.origin / name, ignore=ignored)
    installed.release("v1", {})
    routes = (ROOT / "tick_logger/ops/web/routes.py").read_text()
    path, answer = "tick_logger/ops/web/routes.py", "503 if reasons else 200"
    assert routes.count(answer) == 1
    installed.release("never", {path: routes.replace(answer, "503")})
    with subprocess.Popen(
        command("simulate", "kraken"), env=ENVIRONMENT, stdout=subprocess.PIPE, text=True
    ) as simulator:
        try:
            assert simulator.stdout is not None
            found = re.search(r"(ws://\S+) and (http://\S+),", simulator.stdout.readline())
            assert found is not None
            entrances = f"ws_endpoint = '{found[1]}/v2'\nrest_endpoint = '{found[2]}'\n"
            with installed.config.open("a") as config:
                config.write(f"[exchanges.kraken]\n{entrances}")
            installed.install("v1")
            wait_for_rows(installed.data, names="kraken/*/TRADES/trade_id.*.bin")
            code, said = installed.upgrade("never", secs=10.0)
            assert (code, installed.runs(), installed.ready()) == (1, "v1", True), said
        finally:
            installed.manage("stop", "recorder")
            simulator.kill()
    assert verify(installed.data)["totals"]["rows"] > 0
