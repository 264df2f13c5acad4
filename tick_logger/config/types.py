"""Strict types for a configuration document, and cattrs' errors in plain words.

A value must have exactly the type of its key (a whole number may stand for a number), then obey the
key's rules; every error of a section is found, in lists with its index.  Nothing here knows which
keys there are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Annotated, Any, TypeAlias, TypeVar, Union, get_args, get_origin

import attrs
import cattrs
from cattrs.cols import homogenous_tuple_structure_factory
from cattrs.errors import ForbiddenExtraKeysError
from cattrs.gen import make_dict_structure_fn, make_mapping_structure_fn

from tick_logger.config.rules import described, hint, listed

Problems: TypeAlias = list[tuple[str, str]]
"""Paths of keys and what is wrong with them."""

Hook: TypeAlias = Callable[[Any, Any], Any]
S = TypeVar("S", bound=attrs.AttrsInstance)


def structure(kind: type[S], values: object, path: str, problems: Problems) -> S | None:
    """The section at `path` as an object, or None and every reason appended to `problems`."""
    try:
        return _CONVERTER.structure(values, kind)
    except (cattrs.BaseValidationError, TypeError) as error:
        problems += _explained(error, path)
        return None


def _refuse(wanted: str, value: object) -> TypeError:
    return TypeError(f"must be {wanted}, not {described(value)}")


def _exactly(kind: type, wanted: str) -> Hook:
    def hook(value: object, _: object) -> object:
        if type(value) is kind:
            return value
        if kind is float and type(value) is int:
            return _as_float(value)
        raise _refuse(wanted, value)

    return hook


def _as_float(value: int) -> float:
    try:
        return float(value)
    except OverflowError:
        raise ValueError("is far too large a number") from None


def _annotated(kind: object) -> Hook:
    """The type first, then the rules; a list's own rules and its items' errors together."""
    bare, *rules = get_args(kind)

    def hook(value: object, _: object) -> object:
        problems: list[Exception] = []
        try:
            result = _CONVERTER.structure(value, bare)
        except cattrs.IterableValidationError as error:
            problems.append(error)
            result = value  # a list, which the rules for lists can judge as it is
        problems += [ValueError(reason) for rule in rules if (reason := rule(result))]
        if problems:
            raise ExceptionGroup("rules", problems)
        return result

    return hook


def _tuple(kind: type) -> Hook:
    structure = homogenous_tuple_structure_factory(kind, _CONVERTER)

    def hook(value: object, wanted: object) -> object:
        if not isinstance(value, list):
            raise _refuse("a list", value)
        return structure(value, wanted)

    return hook


def _mapping(kind: Any) -> Hook:  # noqa: ANN401 - a generic type
    structure = make_mapping_structure_fn(kind, _CONVERTER, detailed_validation=True)

    def hook(value: object, wanted: object) -> object:
        if not isinstance(value, dict):
            raise _refuse("a table", value)
        return structure(value, wanted)

    return hook


def _union(kind: object) -> Hook:
    """`X | None` is X, because TOML has no null; `str | list` is the word "all" or a list."""
    first, second = get_args(kind)
    if second is type(None):
        return lambda value, _: _CONVERTER.structure(value, first)

    def hook(value: object, _: object) -> object:
        if value == "all":
            return value
        if not isinstance(value, list):
            raise TypeError(f'must be "all" or a list of patterns, not {described(value)}')
        return _CONVERTER.structure(value, second)

    return hook


def _class(kind: type[attrs.AttrsInstance]) -> Hook:
    structure = make_dict_structure_fn(kind, _CONVERTER, _cattrs_forbid_extra_keys=True)

    def hook(value: object, wanted: object) -> object:
        if not isinstance(value, dict):
            raise _refuse("a table", value)
        return structure(value, wanted)

    return hook


def _converter() -> cattrs.Converter:
    converter = cattrs.Converter(detailed_validation=True)
    for kind, wanted in (
        (bool, "true or false"),
        (int, "a whole number"),
        (float, "a number"),
        (str, "a text"),
    ):
        converter.register_structure_hook(kind, _exactly(kind, wanted))
    converter.register_structure_hook_factory(attrs.has, _class)
    generic = ((tuple, _tuple), (dict, _mapping), (Union, _union), (Annotated, _annotated))
    for origin, factory in generic:
        converter.register_structure_hook_factory(_made_of(origin), factory)
    return converter


def _made_of(origin: object) -> Callable[[object], bool]:
    return lambda kind: get_origin(kind) is origin


_CONVERTER = _converter()


def _explained(error: BaseException, path: str) -> Iterator[tuple[str, str]]:
    """Every leaf of cattrs' error tree as (path, reason)."""
    if isinstance(error, cattrs.ClassValidationError):
        attributes, others = error.group_exceptions()
        for inner, note in attributes:
            yield from _explained(inner, f"{path}.{note.name}")
        for inner in others:
            yield from _explained(inner, path)
    elif isinstance(error, cattrs.IterableValidationError):
        for inner, item in error.group_exceptions()[0]:
            at = f"[{item.index}]" if isinstance(item.index, int) else f".{item.index}"
            yield from _explained(inner, path + at)
    elif isinstance(error, ExceptionGroup):
        for inner in error.exceptions:
            yield from _explained(inner, path)
    elif isinstance(error, ForbiddenExtraKeysError):
        known = tuple(attrs.fields_dict(error.cl))
        for key in sorted(error.extra_fields):
            near = hint(key, known) or f"; known here: {listed(known)}"
            yield f"{path}.{key}", f"unknown key{near}"
    elif isinstance(error, KeyError):
        yield path, "is missing"
    elif isinstance(error, TypeError | ValueError):
        yield path, str(error)
    else:
        raise error
