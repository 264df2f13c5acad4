"""Environment variables that override keys of the configuration.

`TICK_LOGGER__EXCHANGES__NAME__MAX_CONNECTIONS=3` counts as if `max_connections = 3` stood in the
section `[exchanges.name]` of the file, and is checked by the same rules.  A text becomes the type
of its key where it can be read as that and stays a text where not, which the rules then refuse.

A few keys have a short name too, by which operators of another collector know them.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from typing import Annotated, Any, TypeAlias, Union, get_args, get_origin, get_type_hints

import attrs

from tick_logger.config.entrances import BASE_URL
from tick_logger.config.rules import hint
from tick_logger.config.schema import ExchangeConfig, sections

PREFIX = "TICK_LOGGER__"

Path: TypeAlias = tuple[str, ...]
Document: TypeAlias = dict[str, Any]

SHORT_NAMES: Mapping[str, Path] = {
    "ARCHIVE_INTERVAL": ("archive", "rotate_secs"),
    "ARCHIVE_INTERVAL_SECS": ("archive", "rotate_secs"),
    "BUCKET_NAME": ("archive", "s3", "bucket"),
    "HOME_SERVER_NAME": ("archive", "server_name"),
    "LOG_RETENTION_DAYS": ("logger", "log_retention_days"),
    "METRICS_PORT": ("http", "port"),
}
"""A name with our prefix beats these, and of these a later one an earlier one.  An empty one counts
as not given: such names stand in files of many, as places to be filled in."""


def override(
    document: Document, environ: Mapping[str, str], exchanges: Collection[str]
) -> tuple[dict[str, str], list[tuple[str, str]]]:
    """Put the values of all variables with our prefix, and of short names, into the document.

    Returns which variable each overridden key (as a dotted path) came from, and the problems:
    variables that name no key.
    """
    known = _variables(exchanges)
    origins: dict[str, str] = {}
    problems: list[tuple[str, str]] = []
    short = [name for name in SHORT_NAMES if environ.get(name)]
    for variable in [*short, *sorted(name for name in environ if name.startswith(PREFIX))]:
        if variable not in known:
            near = hint(variable, known, likeness=0.9)  # all of them share most of their letters
            problems.append((variable, f"unknown variable{near}"))
            continue
        path, kind = known[variable]
        origins[".".join(path)] = variable
        put(document, path, _value(environ[variable], kind))
    return origins, problems


def _variables(exchanges: Collection[str]) -> dict[str, tuple[Path, Any]]:
    """Every variable that there is, with the path of its key and the key's type."""
    places: list[tuple[Path, type[attrs.AttrsInstance]]] = [
        *(((name,), kind) for name, kind in sections().items()),
        *((("exchanges", name), ExchangeConfig) for name in exchanges),
    ]
    kinds = {path: kind for place, section in places for path, kind in _keys(place, section)}
    kinds |= {(*place, BASE_URL): str for place, kind in places if kind is ExchangeConfig}
    known = {PREFIX + "__".join(path).upper(): (path, kind) for path, kind in kinds.items()}
    return known | {name: (path, kinds[path]) for name, path in SHORT_NAMES.items()}


def _keys(place: Path, section: type[attrs.AttrsInstance]) -> Iterator[tuple[Path, Any]]:
    """The keys of a section, and of the sections within it, with their types."""
    for key, kind in get_type_hints(section, include_extras=True).items():
        if attrs.has(kind):
            yield from _keys((*place, key), kind)
        else:
            yield (*place, key), kind


def put(document: Document, path: Path, value: object) -> None:
    """Set one key, making its sections; does nothing where the document has no table there."""
    *sections, key = path
    table: Any = document
    for section in sections:
        table = table.setdefault(section, {})
        if not isinstance(table, dict):
            return  # the file says something impossible here, which is reported as such
    table[key] = value


def _value(text: str, kind: object) -> object:
    bare = _bare(kind)
    try:
        if bare is bool:
            return {"true": True, "false": False, "1": True, "0": False}.get(text.lower(), text)
        if bare is int or bare is float:
            return bare(text)
        if get_origin(bare) is dict:
            return _table(text)
        return text if bare is str else _listing(text, bare)
    except (ValueError, RecursionError):
        return text


def _bare(kind: object) -> object:
    return _bare(get_args(kind)[0]) if get_origin(kind) is Annotated else kind


def _table(text: str) -> object:
    """JSON where it looks like it, else `key=value` between commas."""
    if text.lstrip().startswith("{"):
        return json.loads(text)
    items = [item.partition("=") for item in text.split(",") if item.strip()]
    if not all(equals for _, equals, _ in items):
        return text
    return {key.strip(): value.strip() for key, _, value in items}


def _listing(text: str, kind: object) -> object:
    """JSON where it looks like it, else a word that the key knows, else items between commas."""
    if text.lstrip().startswith("["):
        return json.loads(text)
    if get_origin(kind) is Union and text == "all":
        return text
    return [item.strip() for item in text.split(",") if item.strip()]
