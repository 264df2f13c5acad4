"""Makes trio's order of tasks, which is random on purpose, depend on nothing but a seed.

The switch is trio's own but private; `tests/service/test_recording.py` notices if it stops working.
"""

from __future__ import annotations

from trio._core import _run


def schedule_by(seed: int) -> None:
    """From now on, run the tasks that are ready together in an order drawn from this seed."""
    vars(_run)["_ALLOW_DETERMINISTIC_SCHEDULING"] = True
    _run._r.seed(seed)
