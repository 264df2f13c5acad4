"""The rules of the source tree as one pure function from sources to complaints.

It reads sources as text and syntax trees, and imports nothing of the project.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping

MAX_FILE_LINES = 400
MAX_ADAPTER_LINES = 480
"""Of a file directly in `exchanges/`: the messages, rows and rules of one venue belong together."""
MAX_FUNCTION_LINES = 60
MAX_ARGUMENTS = 8
MAX_CLASS_LINES = 260
BANNED_FILE_NAMES = {"utils.py", "helpers.py", "common.py", "misc.py"}

MAY_IMPORT: dict[str, set[str]] = {
    "__init__": {"version", "reader"},
    "version": set(),
    "errors": set(),
    "clock": set(),
    "offload": set(),
    "signals": set(),
    "brake": set(),
    "budget": {"brake"},
    "model": set(),
    "core": set(),
    "exchanges": {"model", "core"},
    "pipeline": {"model"},
    "config": {"model", "errors"},
    "storage": {"model", "errors"},
    "journal": {"model", "errors", "storage"},
    "derive": {"model", "errors", "exchanges", "pipeline", "storage", "journal", "version"},
    "quality": {"model"},
    "verify": {"model", "errors", "exchanges", "storage", "journal", "derive", "version"},
    "waiting": set(),
    "reader": {
        "model", "errors", "exchanges", "storage", "waiting", "archive.keys", "archive.ledger",
        "archive.object_store", "archive.bucket",
    },
    "compare": {"model", "errors", "reader"},
    "archive": {
        "model", "errors", "storage", "reader", "journal", "exchanges", "version", "clock",
        "offload", "telemetry", "derive", "archive.keys", "archive.ledger", "archive.object_store",
        "archive.bucket",
    },
    "archive.keys": {"model", "storage"},
    "archive.ledger": {"errors", "storage", "archive.keys"},
    "archive.object_store": {"errors", "storage", "archive.ledger"},
    "archive.bucket": {"errors", "archive.ledger", "archive.object_store"},
    "telemetry": {"model", "core", "errors", "clock", "version"},
    "recording": {
        "model", "errors", "clock", "offload", "budget", "config", "exchanges.base", "storage",
        "journal", "derive", "quality", "telemetry", "version",
    },
    "net": {"model", "errors", "clock", "telemetry"},
    "net.wire": {"model", "core", "errors", "clock", "brake"},
    "net.intake": {
        "model", "budget", "exchanges.base", "exchanges.decoding", "exchanges.together",
        "telemetry",
    },
    "net.rest": {
        "model", "errors", "exchanges.base", "exchanges.candles_by_rest",
        "exchanges.trades_by_rest", "exchanges.walk", "net", "net.wire", "telemetry",
    },
    "net.connection": {
        "model", "errors", "clock", "exchanges.base", "telemetry", "net", "net.wire", "net.intake",
        "net.rest",
    },
    "net.venue": {
        "model", "errors", "clock", "config", "exchanges.base", "telemetry", "net", "net.wire",
        "net.intake", "net.rest", "net.connection",
    },
    "ops": {
        "model", "clock", "config", "telemetry", "ops.alerts", "ops.status", "ops.web", "version",
    },
    "ops.alerts": {"model", "clock", "telemetry", "ops.status"},
    "ops.status": {"model", "clock", "telemetry"},
    "ops.terminal": {"model", "telemetry", "ops.status"},
    "ops.web": {"model", "errors", "telemetry", "ops.status"},
    "simulator": {"model", "clock"},
    "doctor": {
        "model", "errors", "clock", "offload", "budget", "config", "exchanges", "storage",
        "recording", "telemetry", "net", "net.wire", "net.intake", "net.rest", "net.connection",
        "ops.web",
    },
    "playback": {
        "model", "errors", "clock", "offload", "exchanges", "storage", "journal", "reader",
        "simulator", "archive", "archive.keys",
    },
    "exit_codes": set(),
    "api_keys": {"clock", "exchanges", "net.wire", "telemetry"},
    "venues": {
        "api_keys", "model", "clock", "config", "exchanges", "filling", "recording", "storage",
        "telemetry", "net", "net.wire",
        "net.intake", "net.rest", "net.connection", "net.venue",
    },
    "archiving": {
        "archive", "archive.bucket", "archive.ledger", "archive.object_store",
        "clock", "config", "errors", "offload", "reader", "recording", "storage",
        "telemetry",
    },
    "sealing": {
        "archive", "archive.keys", "config", "model", "offload", "reader", "recording",
        "storage", "telemetry", "version",
    },
    "alerting": {"clock", "config", "errors", "net.wire", "ops.alerts", "telemetry", "version"},
    "filling": {"model", "offload", "storage", "reader", "net.rest", "telemetry"},
    "reload": {"errors", "config", "net.venue", "telemetry"},
    "__main__": {"cli"},
}  # fmt: skip
"""What each package, and each module at the top, may import of the project beside itself.

A package here does not stand for those inside it.  `app` and `cli` put everything together, and may
import everything; nothing else is exempt.
"""

MAY_IMPORT_ALL = {"app", "cli"}

PURE_PACKAGES = {
    "core", "model", "exchanges", "pipeline", "storage", "journal", "derive", "verify", "reader",
    "compare", "quality",
}  # fmt: skip
IMPURE_MODULES = {
    "trio", "trio_websocket", "time", "random", "socket", "ssl", "threading", "asyncio",
    "logging", "structlog", "prometheus_client", "rich", "httpx2",
}  # fmt: skip
ONE_HOME = {
    "trio_websocket": ("tick_logger/net/wire/", "tick_logger/simulator/"),
    "httpx2": ("tick_logger/net/wire/",),
    "cattrs": ("tick_logger/config/",),
    "prometheus_client": ("tick_logger/telemetry/", "tick_logger/ops/web/", "tick_logger/app.py"),
    "trio_parallel": ("tick_logger/archive/worker.py",),
    "hypercorn": ("tick_logger/ops/web/",),
    "starlette": ("tick_logger/ops/web/",),
    "obstore": ("tick_logger/archive/bucket.py", "tick_logger/reader/bucket_tree.py"),
    "rich": ("tick_logger/telemetry/", "tick_logger/ops/terminal/", "tick_logger/cli/"),
    "tick_logger.simulator": (
        "tick_logger/simulator/",
        "tick_logger/playback/",
        "tick_logger/cli/",
    ),
}
"""Libraries that only some places may import, so that they can be replaced there."""

DOCUMENTED_BY_EXAMPLES = ("tick_logger/__init__.py", "tick_logger/reader/", "tick_logger/cli/")
"""Whose documentation shows users real names of exchanges; their code may not have any."""

CAUSES_HOME = "tick_logger/model/cause.py"
OWN_WORDS = {"exchanges", "simulator", "ops", "app", "cli"}
"""Where words that are also causes of holes mean something else: in a venue's messages, as keys of
a page.  All others that know the model must take causes from their home."""


def complaints(sources: Mapping[str, str], exchange_names: set[str]) -> list[str]:
    """Every broken rule; `sources` maps paths such as `tick_logger/net/pace.py` to their text."""
    found: list[str] = []
    causes = _members(sources.get(CAUSES_HOME, ""))
    uses: dict[str, set[str]] = {}
    for path, text in sorted(sources.items()):
        tree = ast.parse(text, path)
        found += (f"{path}: {what}" for what in _shape(path, text, tree))
        found += (f"{path}: {what}" for what in _imports(path, tree))
        shown = _without_docs(text, tree) if path.startswith(DOCUMENTED_BY_EXAMPLES) else text
        found += (f"{path}: {what}" for what in _names(path, shown, exchange_names))
        found += (f"{path}: {what}" for what in _causes(path, tree, causes))
        package = _package(path)
        uses.setdefault(package, set()).update(_packages_used(package, tree))
    return [*found, *_circles(uses)]


def _package(path: str) -> str:
    """The entry of `MAY_IMPORT` that a file belongs to, or what there should be."""
    inner = path.removeprefix("tick_logger/").removesuffix(".py")
    return _entry(inner.replace("/", "."))


def _entry(module: str) -> str:
    """The longest entry that a module lies in; its first part where there is none."""
    known = [each for each in {*MAY_IMPORT, *MAY_IMPORT_ALL} if _within(module, each)]
    return max(known, key=len, default=module.split(".")[0])


def _shape(path: str, text: str, tree: ast.Module) -> Iterator[str]:
    lines = text.count("\n")
    if lines > _most_lines(path):
        yield f"{lines} lines, more than {_most_lines(path)}"
    if path.rsplit("/", 1)[-1] in BANNED_FILE_NAMES:
        yield "a file needs a name that says what is in it"
    if not ast.get_docstring(tree):
        yield "no text at the head that says what the module is for"
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            length = (node.end_lineno or node.lineno) - node.lineno + 1
            if length > MAX_FUNCTION_LINES:
                yield f"function {node.name} has {length} lines, more than {MAX_FUNCTION_LINES}"
            count = _arguments(node)
            if count > MAX_ARGUMENTS:
                yield f"function {node.name} has {count} arguments, more than {MAX_ARGUMENTS}"
        if isinstance(node, ast.ClassDef):
            length = (node.end_lineno or node.lineno) - node.lineno + 1
            if length > MAX_CLASS_LINES:
                yield f"class {node.name} has {length} lines, more than {MAX_CLASS_LINES}"


def _arguments(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """How many a caller may give."""
    given = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
    return len([each for each in given if each.arg not in ("self", "cls")])


def _most_lines(path: str) -> int:
    is_adapter = re.fullmatch(r"tick_logger/exchanges/\w+\.py", path)
    return MAX_ADAPTER_LINES if is_adapter else MAX_FILE_LINES


def _imports(path: str, tree: ast.Module) -> Iterator[str]:
    package = _package(path)
    pure = package.split(".")[0] in PURE_PACKAGES
    if package not in MAY_IMPORT and package not in MAY_IMPORT_ALL:
        yield f"{package} has no rule that says what it may import"
    for module in _imported(tree):
        top = module.split(".")[0]
        if pure and (top in IMPURE_MODULES or module in IMPURE_MODULES):
            yield f"imports {module}, but {package} is pure"
        for library, homes in ONE_HOME.items():
            if _within(module, library) and not path.startswith(homes):
                yield f"imports {module}, which belongs to {', '.join(homes)}"
        inner = _inside(module)
        if inner is not None and package in MAY_IMPORT and not _allowed(package, inner):
            yield f"imports {module}, which {package} may not"


def _allowed(package: str, inner: str) -> bool:
    for each in MAY_IMPORT[package] | {package}:
        if each == _entry(inner) or (each not in MAY_IMPORT and _within(inner, each)):
            return True
    return False


def _packages_used(package: str, tree: ast.Module) -> set[str]:
    inner = filter(None, map(_inside, _imported(tree)))
    return {_entry(each) for each in inner} - {package}


def _circles(uses: Mapping[str, set[str]]) -> Iterator[str]:
    """Packages that need each other, directly or by way of others."""
    for package in sorted(uses):
        reached: set[str] = set()
        waiting = list(uses[package])
        while waiting:
            each = waiting.pop()
            if each not in reached:
                reached.add(each)
                waiting += uses.get(each, ())
        if package in reached:
            yield f"{package}: its imports lead back to itself"


def _inside(module: str) -> str | None:
    """What is imported of the project, without the project's name; None for all else."""
    if module == "tick_logger":
        return "__init__"
    return module.removeprefix("tick_logger.") if _within(module, "tick_logger") else None


def _imported(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if base != "tick_logger":
                yield base
                continue
            for alias in node.names:
                yield base if alias.name.startswith("__") else f"{base}.{alias.name}"


def _within(module: str, parent: str) -> bool:
    return module == parent or module.startswith(parent + ".")


def _names(path: str, text: str, exchange_names: set[str]) -> Iterator[str]:
    for name in sorted(exchange_names):
        # A file may be that of several exchanges whose names begin alike.
        homes = "|".join(each for each in exchange_names if name.startswith(each))
        at_home = re.fullmatch(rf"tick_logger/(exchanges|simulator)/(.*/)?_?({homes})\w*\.py", path)
        if not at_home and re.search(rf"(?i)(?<![a-z]){name}(?![a-z])", text):
            yield f"names the exchange {name}, which only its own files may"


def _without_docs(text: str, tree: ast.Module) -> str:
    """The lines that are no documentation."""
    lines = text.splitlines()
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and ast.get_docstring(
            node
        ):
            doc = node.body[0]
            last = doc.end_lineno or doc.lineno
            lines[doc.lineno - 1 : last] = [""] * (last - doc.lineno + 1)
    return "\n".join(lines)


def _members(text: str) -> set[str]:
    """The words that are assigned in the classes of a source."""
    classes = (node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.ClassDef))
    values = (each.value for node in classes for each in node.body if isinstance(each, ast.Assign))
    return {str(each.value) for each in values if isinstance(each, ast.Constant)}


def _causes(path: str, tree: ast.Module, causes: set[str]) -> Iterator[str]:
    """Causes of holes that are spelled, but for events of the log that are called the same."""
    package = _package(path)
    knows = package not in OWN_WORDS and package.split(".")[0] not in OWN_WORDS
    if path == CAUSES_HOME or not knows or not {"model"} & {package, *MAY_IMPORT.get(package, ())}:
        return
    events = {id(each) for node in ast.walk(tree) for each in _event_of_log(node)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and node.value in causes and id(node) not in events:
            yield f"spells the cause {node.value!r}, which only {CAUSES_HOME} may"


def _event_of_log(node: ast.AST) -> list[ast.expr]:
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        of = node.func.value
        name = of.attr if isinstance(of, ast.Attribute) else getattr(of, "id", "")
        return node.args[:1] if name.lstrip("_") == "log" else []
    return []
