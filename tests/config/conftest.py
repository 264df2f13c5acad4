"""Fixtures of the configuration tests."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Where a test may put its configuration."""
    return tmp_path / "config.toml"
