"""The rules of the source tree as one pure function from sources to complaints.

It reads sources as text and syntax trees, and imports nothing of the project.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping

MAX_FILE_LINES = 400
MAX_FUNCTION_LINES = 60
BANNED_FILE_NAMES = {"utils.py", "helpers.py", "common.py", "misc.py"}

LEAVES = {"errors", "clock", "config"}

MAY_IMPORT: dict[str, set[str]] = {
    "model": set(),
    "exchanges": {"model"},
    "pipeline": {"model"},
    "storage": {"model", "errors"},
    "net": {
        "model",
        "exchanges.base",
        "exchanges.decoding",
        "ops.logs",
        "ops.exchange_metrics",
        *LEAVES,
    },
    "ops": {"model", *LEAVES},
    "simulator": {"model", "clock"},
}
"""What each package may import of the project beside itself; top-level modules may all."""

PURE_PACKAGES = {"model", "exchanges", "pipeline", "storage"}
IMPURE_MODULES = {
    "trio", "trio_websocket", "time", "random", "socket", "ssl", "threading", "asyncio",
    "logging", "structlog", "prometheus_client", "rich", "httpx2",
}  # fmt: skip
ONE_HOME = {
    "trio_websocket": ("tick_logger/net/", "tick_logger/simulator/"),
    "httpx2": ("tick_logger/net/",),
    "cattrs": ("tick_logger/config",),
    "prometheus_client": ("tick_logger/ops/", "tick_logger/app.py"),
    "hypercorn": ("tick_logger/ops/web/",),
    "starlette": ("tick_logger/ops/web/",),
    "rich": ("tick_logger/ops/", "tick_logger/presenting.py"),
    "tick_logger.simulator": ("tick_logger/simulator/", "tick_logger/cli", "tick_logger/demo.py"),
}
"""Libraries that only some places may import, so that they can be replaced there."""


def complaints(sources: Mapping[str, str], exchange_names: set[str]) -> list[str]:
    """Every broken rule; `sources` maps paths such as `tick_logger/net/tap.py` to their text."""
    found: list[str] = []
    for path, text in sorted(sources.items()):
        tree = ast.parse(text, path)
        found += (f"{path}: {what}" for what in _shape(path, text, tree))
        found += (f"{path}: {what}" for what in _imports(path, tree))
        found += (f"{path}: {what}" for what in _names(path, text, exchange_names))
    return found


def _shape(path: str, text: str, tree: ast.Module) -> Iterator[str]:
    lines = text.count("\n")
    if lines > MAX_FILE_LINES:
        yield f"{lines} lines, more than {MAX_FILE_LINES}"
    if path.rsplit("/", 1)[-1] in BANNED_FILE_NAMES:
        yield "a file needs a name that says what is in it"
    if not ast.get_docstring(tree):
        yield "no text at the head that says what the module is for"
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            length = (node.end_lineno or node.lineno) - node.lineno + 1
            if length > MAX_FUNCTION_LINES:
                yield f"function {node.name} has {length} lines, more than {MAX_FUNCTION_LINES}"


def _imports(path: str, tree: ast.Module) -> Iterator[str]:
    parts = path.split("/")
    package = parts[1] if len(parts) > 2 else None
    for module in _imported(tree):
        top = module.split(".")[0]
        if package in PURE_PACKAGES and (top in IMPURE_MODULES or module in IMPURE_MODULES):
            yield f"imports {module}, but {package} is pure"
        for library, homes in ONE_HOME.items():
            if _within(module, library) and not path.startswith(homes):
                yield f"imports {module}, which belongs to {', '.join(homes)}"
        if top != "tick_logger" or package is None or module == "tick_logger":
            continue
        inner = module.removeprefix("tick_logger.")
        allowed = MAY_IMPORT.get(package, set()) | {package}
        if not any(_within(inner, each) for each in allowed):
            yield f"imports {module}, which {package} may not"


def _imported(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            yield base
            yield from (f"{base}.{alias.name}" for alias in node.names if base == "tick_logger")


def _within(module: str, parent: str) -> bool:
    return module == parent or module.startswith(parent + ".")


def _names(path: str, text: str, exchange_names: set[str]) -> Iterator[str]:
    for name in sorted(exchange_names):
        # A file may be that of several exchanges whose names begin alike.
        homes = "|".join(each for each in exchange_names if name.startswith(each))
        at_home = re.fullmatch(rf"tick_logger/(exchanges|simulator)/(.*/)?_?({homes})\w*\.py", path)
        if not at_home and re.search(rf"(?i)(?<![a-z]){name}(?![a-z])", text):
            yield f"names the exchange {name}, which only its own files may"
