"""What judges our files for Prometheus and Alertmanager: their own programs, where present."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

PROMTOOL = shutil.which("promtool")
AMTOOL = shutil.which("amtool")
needs_promtool = pytest.mark.skipif(
    PROMTOOL is None, reason="promtool is not installed (Debian: apt install prometheus)"
)
needs_amtool = pytest.mark.skipif(
    AMTOOL is None, reason="amtool is not installed (Debian: apt install prometheus-alertmanager)"
)


def promtool(*arguments: str | Path) -> str:
    """What promtool says; the test fails if it complains."""
    return _said(PROMTOOL, *arguments)


def amtool(*arguments: str | Path) -> str:
    """What amtool says; the test fails if it complains."""
    return _said(AMTOOL, *arguments)


def _said(program: str | None, *arguments: str | Path) -> str:
    assert program is not None
    done = subprocess.run(
        [program, *map(str, arguments)], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
