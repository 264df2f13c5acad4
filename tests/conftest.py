"""What holds for all tests.

Invariant: no test fails because the machine is slow or busy, each run tries the same examples, and
the program's logging, which is of the process, ends with the test that began it.
Not here: other fixtures, which are where they are used.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import structlog
from hypothesis import HealthCheck, settings

settings.register_profile(
    "repeatable",
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    derandomize=True,
    database=None,
)
settings.load_profile("repeatable")


@pytest.fixture(autouse=True)
def _logging_is_of_one_test() -> Iterator[None]:
    """A test that runs the program here leaves a closed stream behind, or levels of its own."""
    yield
    if structlog.is_configured():
        structlog.reset_defaults()
