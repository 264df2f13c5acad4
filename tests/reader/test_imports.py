"""What a program that reads gets to carry: numpy, and no more than it asks for."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.reader.recorded import Recorder
from tests.storage.sample import numbered
from tick_logger.model.tables import Table

ROOT = Path(__file__).parents[2]

HEAVY = ("trio", "pandas", "pyarrow", "polars", "duckdb", "httpx2", "starlette", "rich", "yaml")
"""What the recorder needs, and what hands frames on."""

ONLY_POSIX = ("fcntl", "resource", "termios", "pwd", "grp", "select.epoll")
"""Modules that other systems do not have."""

PROGRAM = """
import sys
for name in {blocked}:
    sys.modules[name] = None  # importing it is an error
import tick_logger
rec = tick_logger.open({root!r})
rows = rec.trades("venue:BTC-USD", "2024-02-01")
assert rows.numpy("price").tolist() == [100.5] * 3
assert rec.book_updates("venue:*", 0).numpy()["id"].tolist() == []
assert next(rows.chunks(2)).numpy("id").tolist() == [1, 2]
assert rows.gaps == () and repr(rows) and repr(rec)
print(sorted({heavy} & sys.modules.keys()))
"""

EXTRAS = {
    "polars": "rows.polars()",
    "polars.io.plugins": "rows.polars(lazy=True)",
    "pyarrow": "rows.arrow()",
    "pandas": "rows.pandas()",
    "duckdb": "rows.duckdb()",
    "pyarrow.parquet": "rows.to_parquet('rows.parquet')",
    "pyarrow.csv": "rows.to_csv('rows.csv')",
}
"""What a sink imports, and how it is called."""


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A recording of three trades."""
    folder = tmp_path_factory.mktemp("imports")
    Recorder(folder).write(Table.TRADES, numbered(1, 3))
    return folder


def run(program: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """A program in a process of its own; warnings are errors."""
    command = [sys.executable, "-W", "error", "-c", program]
    return subprocess.run(
        command, cwd=folder, env={"PYTHONPATH": str(ROOT)}, capture_output=True, text=True
    )


@pytest.mark.parametrize("blocked", [(), ONLY_POSIX])
def test_reading_imports_numpy_alone(root: Path, blocked: tuple[str, ...]) -> None:
    """To open, to ask, and to read as numpy; also where a system has no modules of POSIX."""
    program = PROGRAM.format(blocked=blocked, root=str(root), heavy=set(HEAVY))
    done = run(program, root)
    assert (done.stderr, done.stdout) == ("", "[]\n")


def test_importing_the_package_imports_next_to_nothing(root: Path) -> None:
    """The reading interface comes when it is first used, so that a recorder does not carry it."""
    done = run("import sys, tick_logger; print('numpy' in sys.modules)", root)
    assert (done.stderr, done.stdout) == ("", "False\n")


def test_what_is_missing_is_named_with_its_extra(root: Path, tmp_path: Path) -> None:
    """By each sink, and nothing is left behind."""
    lines = [
        "import sys, tick_logger",
        f"rows = tick_logger.open({str(root)!r}).trades('venue:BTC-USD', '2024-02-01')",
        "def missing(library, sink):",
        "    sys.modules[library] = None",
        "    try: eval(sink)",
        "    except tick_logger.MissingExtraError as error: print(error)",
    ]
    for library in ("polars", "pyarrow", "pandas", "duckdb"):
        lines += [
            f"missing({library!r}, {sink!r})"
            for module, sink in EXTRAS.items()
            if module.split(".")[0] == library
        ]
    done = run("\n".join(lines), tmp_path)
    extras = ["polars", "polars", "arrow", "arrow", "arrow", "pandas", "duckdb"]
    libraries = ["polars", "polars", "pyarrow", "pyarrow", "pyarrow", "pandas", "duckdb"]
    assert done.stderr == ""
    assert done.stdout.splitlines() == [
        f"{library} is not installed: pip install {library}, or tick_logger[{extra}]"
        for library, extra in zip(libraries, extras, strict=True)
    ]
    assert list(tmp_path.iterdir()) == []


TYPES = """
import tick_logger

rec = tick_logger.open("data")
rows = rec.trades("coinbase:BTC-USD", "2026-11-29", columns=["ts", "price"], late="drop")
reveal_type(rec)
reveal_type(rows)
reveal_type(rows.polars())
reveal_type(rows.polars(lazy=True))
reveal_type(rows.duckdb())
reveal_type(rows.numpy())
reveal_type(rows.numpy("price"))
reveal_type(rows.complete)
reveal_type(rows.gaps[0].to_ns)
reveal_type([piece for piece in rows.chunks(10)])
rec.trades("coinbase:BTC-USD", "2026-11-29", late="later")
rows.require("certain")
rows.prices
"""

REVEALED = [
    "tick_logger.reader.recording.Recording",
    "tick_logger.reader.rows.Rows",
    "polars.dataframe.frame.DataFrame",
    "polars.lazyframe.frame.LazyFrame",
    "duckdb",
    "dict[str, numpy.ndarray",
    "numpy.ndarray",
    "bool | None",
    "int | None",
    "list[tick_logger.reader.rows.Rows]",
]
"""What a type checker tells a user of each of these."""


@pytest.mark.seldom
def test_a_users_type_checker_knows_what_there_is(tmp_path: Path) -> None:
    """And finds words that are none, and names that do not exist."""
    (tmp_path / "program.py").write_text(TYPES)
    command = [sys.executable, "-m", "mypy", "--strict", "--no-error-summary"]
    done = subprocess.run(
        [*command, f"--cache-dir={tmp_path}", "--follow-imports=silent", "program.py"],
        cwd=tmp_path,
        env={"MYPYPATH": str(ROOT), "PATH": ""},
        capture_output=True,
        text=True,
    )
    lines = done.stdout.splitlines()
    notes = [line for line in lines if "Revealed type" in line]
    assert len(notes) == len(REVEALED), done.stdout + done.stderr
    for note, expected in zip(notes, REVEALED, strict=True):
        assert f'Revealed type is "{expected}' in note, note
    errors = [line for line in lines if ": error:" in line]
    kinds = [line.rpartition("[")[2].rstrip("]") for line in errors]
    assert kinds == ["arg-type", "arg-type", "attr-defined"], done.stdout


def test_the_wheel_says_that_it_has_types() -> None:
    """`py.typed` is among the files that are installed."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    packaged = project["tool"]["setuptools"]["package-data"]["tick_logger"]
    assert "py.typed" in packaged
    assert all(list((ROOT / "tick_logger").glob(pattern)) for pattern in packaged)
