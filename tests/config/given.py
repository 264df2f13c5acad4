"""What the tests of the configuration share: two venues, and how to see what is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from tick_logger.config.load import load
from tick_logger.config.schema import (
    VenueDefaults,
)
from tick_logger.errors import ConfigError

VENUES = {
    "alpha": VenueDefaults("wss://a.test", "https://a.test", frozenset({"ticker", "trades"})),
    "beta": VenueDefaults(
        "wss://b.test:9443", "https://b.test", frozenset({"ticker", "trades", "quotes"})
    ),
}
EXAMPLE = Path(__file__).parent.parent.parent / "config" / "tick_logger.toml"


def problems_of(
    file: Path, text: str, environ: dict[str, str] | None = None
) -> list[tuple[str, str]]:
    """Everything that is wrong with a file of this text."""
    file.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        load(file, environ or {}, VENUES)
    return caught.value.problems
