"""What the command line chooses to record: it beats the file and the environment.

Not here: what a user writes (`cli.choosing`), and whether it can be recorded (`load`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import attrs

from tick_logger.config.environ import Document, put


@attrs.frozen(kw_only=True)
class Chosen:
    """Symbols by exchange, of which no other is recorded then, and feeds; None: as configured."""

    symbols: Mapping[str, Sequence[str]] | None = None
    feeds: Sequence[str] | None = None

    def put_into(self, document: Document) -> dict[str, str]:
        """Put it into a document; returns by which option each key was set."""
        origins: dict[str, str] = {}
        exchanges = document.get("exchanges")
        if not isinstance(exchanges, dict):
            return origins  # the file says something impossible, which is reported as such
        if self.symbols is not None:
            document["exchanges"] = {name: exchanges.get(name, {}) for name in self.symbols}
            for name, patterns in self.symbols.items():
                put(document, ("exchanges", name, "symbols"), list(patterns))
                origins[f"exchanges.{name}.symbols"] = "--symbols"
        if self.feeds is not None:
            for name in document["exchanges"]:
                put(document, ("exchanges", name, "feeds"), list(self.feeds))
                origins[f"exchanges.{name}.feeds"] = "--feeds"
        return origins
