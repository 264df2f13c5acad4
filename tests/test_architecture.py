"""The rules of the source tree hold, and the test that says so can fail."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.architecture import CAUSES_HOME, MAX_FILE_LINES, MAY_IMPORT, complaints
from tick_logger.exchanges import registry

ROOT = Path(__file__).parent.parent
EXCHANGES = set(registry.available())
HEAD = '"""Purpose."""\n'


def test_the_source_tree_keeps_its_rules() -> None:
    """Imports, sizes, names: as the page on architecture promises."""
    sources = {
        path.relative_to(ROOT).as_posix(): path.read_text()
        for path in (ROOT / "tick_logger").rglob("*.py")
    }
    assert len(sources) > 40
    assert CAUSES_HOME in sources
    assert len(EXCHANGES) >= 2
    assert complaints(sources, EXCHANGES) == []


def test_files_of_tests_and_scripts_are_no_longer_than_those_of_the_program() -> None:
    """They are read as often."""
    files = [path for of in ("tests", "scripts") for path in (ROOT / of).rglob("*.py")]
    lines = {path.relative_to(ROOT).as_posix(): path.read_text().count("\n") for path in files}
    assert len(lines) > 300
    assert {path: count for path, count in lines.items() if count > MAX_FILE_LINES} == {}


FORBIDDEN = {
    "__init__": "tick_logger.errors",
    "version": "tick_logger.errors",
    "errors": "tick_logger.model.tables",
    "clock": "tick_logger.errors",
    "waiting": "tick_logger.clock",
    "offload": "tick_logger.errors",
    "signals": "tick_logger.errors",
    "brake": "tick_logger.budget",
    "budget": "tick_logger.net.pace",
    "model/x": "tick_logger.errors",
    "core/x": "tick_logger.model.tables",
    "exchanges/x": "tick_logger.errors",
    "pipeline/x": "tick_logger.storage.layout",
    "config/x": "tick_logger.app",
    "storage/x": "tick_logger.journal.segment",
    "journal/x": "tick_logger.derive.replay",
    "derive/x": "tick_logger.recording.writer",
    "verify/x": "tick_logger.ops.watch",
    "reader/x": "tick_logger.recording.backlog",
    "compare/x": "tick_logger.storage.layout",
    "archive/x": "tick_logger.net.reach",
    "archive/keys": "tick_logger.reader",
    "archive/ledger": "tick_logger.reader",
    "archive/object_store": "tick_logger.reader",
    "archive/bucket": "tick_logger.reader",
    "quality/x": "tick_logger.storage.files",
    "telemetry/x": "tick_logger.ops.status.status",
    "recording/x": "tick_logger.net.intake.intake",
    "net/x": "tick_logger.net.wire.dial",
    "net/wire/x": "tick_logger.exchanges.base",
    "net/intake/x": "tick_logger.net.connection.context",
    "net/rest/x": "tick_logger.net.connection.context",
    "net/connection/x": "tick_logger.net.venue.share",
    "net/venue/x": "tick_logger.storage.files",
    "ops/x": "tick_logger.storage.files",
    "ops/alerts/x": "tick_logger.net.wire.posting",
    "ops/status/x": "tick_logger.ops.watch",
    "ops/terminal/x": "tick_logger.ops.web.routes",
    "ops/web/x": "tick_logger.net.pace",
    "simulator/x": "tick_logger.exchanges.base",
    "simulator/dialects/x": "tick_logger.app",
    "doctor/x": "tick_logger.app",
    "playback/x": "tick_logger.net.wire.dial",
    "exit_codes": "tick_logger.errors",
    "api_keys": "tick_logger.venues",
    "venues": "tick_logger.app",
    "archiving": "tick_logger.app",
    "sealing": "tick_logger.app",
    "reload": "tick_logger.app",
    "filling": "tick_logger.app",
    "alerting": "tick_logger.app",
    "__main__": "tick_logger.app",
}
"""For each package, and each module at the top, something that it may not import."""


def test_every_package_is_tried() -> None:
    """Below, with something that it may not import."""
    tried = {path.removesuffix("/x").replace("/", ".") for path in FORBIDDEN}
    assert tried - {"simulator.dialects"} == set(MAY_IMPORT)


@pytest.mark.parametrize("place", FORBIDDEN)
def test_a_package_may_not_import_what_is_above_or_beside_it(place: str) -> None:
    """Not even within a function."""
    path = f"tick_logger/{place}.py"
    assert complaints({path: HEAD + f"def f():\n    import {FORBIDDEN[place]}\n"}, set()) != []
    assert complaints({path: HEAD}, set()) == []


def test_a_package_needs_a_rule() -> None:
    """Whoever adds one says what it may import."""
    (found,) = complaints({"tick_logger/wing/x.py": HEAD}, set())
    assert "no rule" in found


def test_packages_that_need_each_other_are_found() -> None:
    """Even where each import alone were allowed."""
    sources = {
        "tick_logger/net/venue/x.py": HEAD + "import tick_logger.net.connection.context\n",
        "tick_logger/net/connection/x.py": HEAD + "import tick_logger.net.venue.share\n",
    }
    assert sum("lead back to itself" in each for each in complaints(sources, set())) == 2


@pytest.mark.parametrize(
    ("path", "text", "complaint"),
    [
        ("tick_logger/exchanges/x.py", HEAD + "import trio\n", "exchanges is pure"),
        ("tick_logger/pipeline/x.py", HEAD + "from time import time\n", "pipeline is pure"),
        ("tick_logger/derive/x.py", HEAD + "def f():\n    import trio.abc\n", "derive is pure"),
        ("tick_logger/reader/x.py", HEAD + "import trio\n", "reader is pure"),
        ("tick_logger/net/intake/x.py", HEAD + "import tick_logger.exchanges.acm\n", "may not"),
        ("tick_logger/app.py", HEAD + "import tick_logger.simulator.market\n", "belongs to"),
        ("tick_logger/recording/x.py", HEAD + "import trio_websocket\n", "belongs to"),
        ("tick_logger/net/x.py", HEAD + "URL = 'wss://acme.test'\n", "names the exchange acme"),
        ("tick_logger/exchanges/other.py", HEAD + "# as Acme does\n", "names the exchange acme"),
        ("tick_logger/net/x.py", "import trio\n", "no text at the head"),
        ("tick_logger/net/utils.py", HEAD, "needs a name"),
        ("tick_logger/net/x.py", HEAD + "\n" * 400, "more than 400"),
        ("tick_logger/exchanges/x.py", HEAD + "\n" * 480, "more than 480"),
        ("tick_logger/exchanges/inner/x.py", HEAD + "\n" * 400, "more than 400"),
        ("tick_logger/net/x.py", HEAD + "def f():\n" + "    pass\n" * 60, "more than 60"),
        ("tick_logger/net/x.py", HEAD + "def f(a, b, c, d, e, f, g, *, h, i): ...\n", "than 8"),
        ("tick_logger/net/x.py", HEAD + "class A:\n" + "    x = 1\n" * 260, "more than 260"),
    ],
)
def test_a_broken_rule_is_found(path: str, text: str, complaint: str) -> None:
    """Each rule, broken on purpose, gives exactly one complaint."""
    found = complaints({path: text}, {"acme"})
    assert len(found) == 1
    assert complaint in found[0]


def test_an_adapter_may_be_longer_than_other_files() -> None:
    """Its table, messages and rows are read together."""
    assert complaints({"tick_logger/exchanges/x.py": HEAD + "\n" * 479}, set()) == []


def test_an_exchange_may_name_itself() -> None:
    """Its adapter and its dialect are the places for it."""
    sources = {
        "tick_logger/exchanges/acme.py": HEAD + "NAME = 'acme'\n",
        "tick_logger/simulator/dialects/acme.py": HEAD + "NAME = 'acme'\n",
    }
    assert complaints(sources, {"acme"}) == []


CAUSES = {
    "tick_logger/model/cause.py": HEAD + "class Cause:\n    LOST = 'lost'\n    TORN = 'torn'\n"
}


@pytest.mark.parametrize(
    "text",
    [
        "Interrupted((1,), (MD,), 5, 'lost')\n",
        "def f(gap):\n    return gap.cause == 'torn'\n",
        "TORN = 'torn'\n",
        "log.warning('gaps', cause='lost')\n",
    ],
)
def test_causes_of_holes_are_spelled_in_one_place(text: str) -> None:
    """Whatever else makes or compares one takes it from there."""
    for package in ("pipeline", "storage", "net/connection", "telemetry", "derive", "model"):
        (found,) = complaints({**CAUSES, f"tick_logger/{package}/x.py": HEAD + text}, set())
        assert "spells the cause" in found


@pytest.mark.parametrize(
    ("package", "text"),
    [
        ("pipeline", "'what is lost'\n"),
        ("recording", "self._log.warning('lost')\n"),
        ("exchanges", "KINDS = {'lost': 1}\n"),
        ("ops/status", "KEYS = {'lost': 1}\n"),
        ("clock", "Ending('lost')\n"),
    ],
)
def test_the_same_word_may_mean_something_else(package: str, text: str) -> None:
    """In a sentence, as an event of the log, and where no holes are known."""
    assert complaints({**CAUSES, f"tick_logger/{package}/x.py": HEAD + text}, set()) == []
