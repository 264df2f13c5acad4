"""What a single configuration value may be: small rules that answer with a reason or with nothing.

A rule takes a value of the right type and returns why it is refused, in plain words, or None.
Rules stand beside the keys in `config`; they know of no key, no section and no exchange.  What a
rule looks at outside the value is whether a named file or group exists.
"""

from __future__ import annotations

import difflib
import grp
import math
import os
import pwd
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias
from urllib.parse import urlsplit

Rule: TypeAlias = Callable[[Any], str | None]

_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")


def between(low: float, high: float, unit: str, why: str) -> Rule:
    """A finite number from `low` to `high` (both allowed); `why` says what lies beyond."""

    def rule(value: float) -> str | None:
        if math.isfinite(value) and low <= value <= high:
            return None
        return f"must be between {low:.10g} and {high:.10g} {unit}, not {value}: {why}"

    return rule


def one_of(*words: str) -> Rule:
    """One of a few words."""

    def rule(value: str) -> str | None:
        if value in words:
            return None
        return f"must be one of {listed(words)}, not {quoted(value)}{hint(value, words)}"

    return rule


def feed_among(feeds: Collection[str]) -> Rule:
    """The name of a feed."""

    def rule(value: str) -> str | None:
        if value in feeds:
            return None
        return f"unknown feed {quoted(value)}{hint(value, feeds) or f'; known: {listed(feeds)}'}"

    return rule


def keys_among(words: Collection[str], what: str) -> Rule:
    """A table whose keys are all known; `what` says in the singular what they name."""

    def rule(value: Mapping[str, Any]) -> str | None:
        unknown = [key for key in value if key not in words]
        said = (f"{quoted(key)} is not {what}{hint(key, words)}" for key in unknown)
        return f"{'; '.join(said)}; there are {listed(words)}" if unknown else None

    return rule


def url(*schemes: str) -> Rule:
    """An address with one of the schemes, a host, and nothing that a server would not expect."""
    beginnings = " or ".join(f"{scheme}://" for scheme in schemes)

    def rule(value: str) -> str | None:
        try:
            parts = urlsplit(value)
            port_is_zero = parts.port == 0
            (parts.hostname or "").encode("idna")
        except ValueError as error:  # among them UnicodeError: a host name that cannot be
            return f"is not an address: {error}"
        if parts.scheme not in schemes:
            return f"must begin with {beginnings}, unlike {quoted(value)}"
        if not parts.hostname or re.search(r"\s", value):
            return f"names no host: {quoted(value)}"
        if port_is_zero:
            return "port 0 cannot be connected to"
        return None

    return rule


def url_or_nothing(*schemes: str) -> Rule:
    """As `url`, or empty; without a user and a password, which belong into the environment."""
    of_address = url(*schemes)

    def rule(value: str) -> str | None:
        if not value or (reason := of_address(value)) is not None:
            return None if not value else reason
        return "must not hold credentials" if "@" in urlsplit(value).netloc else None

    return rule


def bucket_name(value: str) -> str | None:
    """Empty, or a name that S3 allows."""
    if not value or re.fullmatch(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]", value):
        return None
    return (
        f"{quoted(value)} is no name of a bucket: 3 to 63 small letters, digits, dots and hyphens, "
        "a letter or a digit at both ends"
    )


def key_prefix(value: str) -> str | None:
    """Empty, or folders that keys begin with."""
    if not value:
        return None
    parts = value.split("/")
    if any(not part.strip() or part in (".", "..") for part in parts):
        return f"must be names with a / between them, and none at the ends, not {quoted(value)}"
    return plain(value)


def server_part(value: str) -> str | None:
    """Empty, or what may stand in the name of a file before a hyphen."""
    if not value or re.fullmatch(r"[A-Za-z0-9_.-]{1,64}", value):
        return None
    return f"must be 1 to 64 letters, digits, dots, hyphens and underscores, not {quoted(value)}"


def text(value: str) -> str | None:
    """Not empty, and without control characters."""
    if not value.strip():
        return "must not be empty"
    return plain(value)


def plain(value: str) -> str | None:
    """No control characters and no broken encoding; may be empty."""
    if _UNPRINTABLE.search(value):
        return f"contains a control character or broken encoding: {value!a}"
    return None


MASK = "********"
"""What is shown instead of a secret."""


def secret(value: str) -> str | None:
    """As `plain`, but the value is never shown; what is shown instead of one is none."""
    if _UNPRINTABLE.search(value):
        return "contains a control character or broken encoding"
    if value == MASK:
        return "is what `check-config` shows instead of a token; write the token itself"
    return None


def secret_url(value: str) -> str | None:
    """Empty, or an http or https address, of which nothing is shown: who knows it can use it."""
    if not value or (reason := secret(value)) is not None:
        return None if not value else reason
    if url("http", "https")(value) is None:
        return None
    return "is not an address that begins with http:// or https:// and names a host"


def existing_file(value: str) -> str | None:
    """Empty, or the path of a file that is there now."""
    if not value or plain(value):
        return plain(value)
    return None if Path(value).is_file() else f"there is no file {quoted(value)}"


def existing_group(value: str) -> str | None:
    """Empty, or a group of this system that this process may give to its files."""
    if not value or plain(value):
        return plain(value)
    try:
        gid = grp.getgrnam(value).gr_gid
    except KeyError:
        return f"there is no group {quoted(value)} on this system"
    if os.geteuid() == 0 or gid in {os.getegid(), *os.getgroups()}:
        return None
    user = pwd.getpwuid(os.geteuid()).pw_name
    return (
        f"the user {quoted(user)} is not in the group {quoted(value)}: no files can be given to it"
    )


def mode_of_files(value: str) -> str | None:
    """Empty, or one with which nobody but the owner writes."""
    if value in ("", "0600", "0640", "0644"):
        return None
    return f'must be "0600", "0640" or "0644" (nobody else may ever write), not {quoted(value)}'


def some_distinct(values: Sequence[Any]) -> str | None:
    """At least one entry, none of them twice."""
    if not values:
        return "names nothing; leave the key out for its default"
    twice = [value for index, value in enumerate(values) if value in values[:index]]
    return f"names {', '.join(quoted(value) for value in twice)} more than once" if twice else None


# -- words for messages ---------------------------------------------------------------------------


def quoted(value: object) -> str:
    """The value as a person would quote it."""
    return f'"{value}"' if isinstance(value, str) else repr(value)


def listed(words: Collection[str]) -> str:
    """The words, separated by commas."""
    return ", ".join(words) if words else "none"


def hint(wrong: str, known: Collection[str], likeness: float = 0.6) -> str:
    """`; did you mean "..."?` where a known word is near (1 is equality), else nothing."""
    near = difflib.get_close_matches(wrong, known, n=1, cutoff=likeness)
    return f"; did you mean {quoted(near[0])}?" if near else ""


def described(value: object) -> str:
    """What a value is, in the words of someone who wrote a TOML file."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return f"the text {quoted(value)}"
    if isinstance(value, int | float):
        return f"the number {value}"
    if isinstance(value, list):
        return "a list"
    return "a table" if isinstance(value, dict) else f"a {type(value).__name__}"
