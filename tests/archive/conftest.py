"""Servers that several tests of the archive ask."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest

from tests.archive.s3_servers import server


@pytest.fixture(scope="session")
def addresses(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """Of both servers."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)  # a line per request
    with (
        server("moto", tmp_path_factory.mktemp("moto")) as moto,
        server("localbucket", tmp_path_factory.mktemp("localbucket")) as other,
    ):
        yield {"moto": moto, "localbucket": other}
