"""What holds for all tests.

Invariant: no test fails because the machine is slow or busy, and each run tries the same examples.
Not here: fixtures, which are where they are used.
"""

from __future__ import annotations

from hypothesis import HealthCheck, settings

settings.register_profile(
    "repeatable",
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    derandomize=True,
    database=None,
)
settings.load_profile("repeatable")
