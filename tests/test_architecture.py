"""The rules of the source tree hold, and the test that says so can fail."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.architecture import MAX_FILE_LINES, complaints
from tick_logger.exchanges import registry

ROOT = Path(__file__).parent.parent
EXCHANGES = set(registry.available())
HEAD = '"""Purpose."""\n'


def test_the_source_tree_keeps_its_rules() -> None:
    """Imports, sizes, names: as the README's architecture section promises."""
    sources = {
        path.relative_to(ROOT).as_posix(): path.read_text()
        for path in (ROOT / "tick_logger").rglob("*.py")
    }
    assert len(sources) > 40
    assert len(EXCHANGES) >= 2
    assert complaints(sources, EXCHANGES) == []


def test_files_of_tests_and_scripts_are_no_longer_than_those_of_the_program() -> None:
    """They are read as often."""
    files = [path for of in ("tests", "scripts") for path in (ROOT / of).rglob("*.py")]
    lines = {path.relative_to(ROOT).as_posix(): path.read_text().count("\n") for path in files}
    assert len(lines) > 300
    assert {path: count for path, count in lines.items() if count > MAX_FILE_LINES} == {}


@pytest.mark.parametrize(
    ("path", "text", "complaint"),
    [
        ("tick_logger/model/x.py", HEAD + "import tick_logger.net.tap\n", "model may not"),
        ("tick_logger/exchanges/x.py", HEAD + "import trio\n", "exchanges is pure"),
        ("tick_logger/pipeline/x.py", HEAD + "from time import time\n", "pipeline is pure"),
        ("tick_logger/simulator/x.py", HEAD + "from tick_logger import app\n", "may not"),
        ("tick_logger/storage/x.py", HEAD + "def f():\n    import trio.abc\n", "storage is pure"),
        ("tick_logger/storage/x.py", HEAD + "import tick_logger.exchanges.base\n", "may not"),
        ("tick_logger/net/x.py", HEAD + "import tick_logger.storage.files\n", "net may not"),
        ("tick_logger/net/x.py", HEAD + "import tick_logger.exchanges.somewhere\n", "may not"),
        ("tick_logger/app.py", HEAD + "import tick_logger.simulator.market\n", "belongs to"),
        ("tick_logger/writer.py", HEAD + "import trio_websocket\n", "belongs to"),
        ("tick_logger/net/x.py", HEAD + "URL = 'wss://acme.test'\n", "names the exchange acme"),
        ("tick_logger/exchanges/other.py", HEAD + "# as Acme does\n", "names the exchange acme"),
        ("tick_logger/net/x.py", "import trio\n", "no text at the head"),
        ("tick_logger/net/utils.py", HEAD, "needs a name"),
        ("tick_logger/net/x.py", HEAD + "\n" * 400, "more than 400"),
        ("tick_logger/net/x.py", HEAD + "def f():\n" + "    pass\n" * 60, "more than 60"),
    ],
)
def test_a_broken_rule_is_found(path: str, text: str, complaint: str) -> None:
    """Each rule, broken on purpose, gives exactly one complaint."""
    found = complaints({path: text}, {"acme"})
    assert len(found) == 1
    assert complaint in found[0]


def test_an_exchange_may_name_itself() -> None:
    """Its adapter and its dialect are the places for it."""
    sources = {
        "tick_logger/exchanges/acme.py": HEAD + "NAME = 'acme'\n",
        "tick_logger/simulator/dialects/acme.py": HEAD + "NAME = 'acme'\n",
    }
    assert complaints(sources, {"acme"}) == []
