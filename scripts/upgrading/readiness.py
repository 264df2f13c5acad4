"""Whether a recorder is ready, asked as a supervisor asks: `/ready`, again and again."""

from __future__ import annotations

import json
import os
import time
import tomllib
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import attrs

STEADY_SECS = 10.0
"""For so long it must have been ready at the end: one answer may be luck."""

ANSWER_SECS = 4.0
EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}
TOKEN = "TICK_LOGGER__HTTP__TOKEN"


@attrs.frozen
class Recorder:
    """Where it is asked, and with which token."""

    address: str
    token: str = attrs.field(default="", repr=False)

    def not_ready(self) -> list[str]:
        """Why it is not; empty if it is."""
        request = urllib.request.Request(f"{self.address}/ready")
        if self.token:
            request.add_header("Authorization", f"Bearer {self.token}")
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # never by a proxy
        try:
            with opener.open(request, timeout=ANSWER_SECS):
                return []
        except urllib.error.HTTPError as refusal:
            return _reasons(refusal.read(10_000)) or [f"it answers with status {refusal.code}"]
        except (OSError, ValueError) as failure:
            return [f"no answer: {failure}"]


def _reasons(body: bytes) -> list[str]:
    try:
        said = json.loads(body)
        return [str(each) for each in said.get("reasons", [said.get("error", "")]) if each]
    except (ValueError, AttributeError):
        return []


def watch(recorder: Recorder, secs: float, every_secs: float) -> list[str]:
    """Look for so long; why it was not ready in the last of that, or nothing if it was."""
    steady_secs = min(STEADY_SECS, secs / 2)
    end = time.monotonic() + secs
    reasons = ["it was not asked"]
    while time.monotonic() < end:
        found = recorder.not_ready()
        if found:
            reasons = found
        elif time.monotonic() < end - steady_secs:
            reasons = []  # forgiven, as it is early
        time.sleep(every_secs)
    return reasons


def wait(recorder: Recorder, secs: float, every_secs: float) -> list[str]:
    """Look until it was ready for a while, for so long at most; why it was not, or nothing."""
    steady_secs = min(STEADY_SECS, secs / 2)
    end, since = time.monotonic() + secs, time.monotonic()
    reasons: list[str] = []
    while time.monotonic() < end:
        if found := recorder.not_ready():
            reasons, since = found, time.monotonic()
        elif time.monotonic() - since >= steady_secs:
            return []
        time.sleep(every_secs)
    return reasons


def recorder_of(effective: str, config: Path, environ: Mapping[str, str]) -> Recorder:
    """The one that is started with this file; `effective` is what `check-config` says of it.

    Tokens are not in that: they are in the environment or in the file.
    """
    http = tomllib.loads(effective)["http"]
    own: dict[str, Any] = tomllib.loads(config.read_text("utf-8-sig")).get("http", {})
    token = environ.get(TOKEN) or own.get("token", "")
    for each in own.get("tokens", []):
        token = token or each.get("token") or Path(each["file"]).read_text().strip()
    host = EVERYWHERE.get(http["host"], http["host"])
    host = f"[{host}]" if ":" in host else host
    return Recorder(f"http://{host}:{http['port']}", str(token))


def environment(file: Path) -> dict[str, str]:
    """This process's, with what the service has beside it."""
    found = dict(os.environ)
    for line in file.read_text().splitlines() if file.exists() else ():
        name, equals, value = line.strip().partition("=")
        if equals and not name.startswith(("#", ";")):
            found[name] = value.strip("\"'")
    return found
