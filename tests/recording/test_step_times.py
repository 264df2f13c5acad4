"""How long the steps of a flush took."""

from __future__ import annotations

import pytest

from tick_logger.model.steps import Step
from tick_logger.recording.step_times import StepTimes


def test_each_step_has_its_own_time() -> None:
    """And what was taken is forgotten."""
    moments = iter([10.0, 12.5, 20.0, 20.25])
    times = StepTimes(lambda: next(moments))
    with times.during(Step.PIPELINE):
        pass
    with times.during(Step.WRITING):
        pass
    assert times.take() == {Step.PIPELINE: 2.5, Step.WRITING: 0.25}
    assert times.take() == {}


def test_attempts_count_together_without_the_pause_between_them() -> None:
    """Those that failed as well."""
    moments = iter([10.0, 11.0, 50.0, 50.5])
    times = StepTimes(lambda: next(moments))
    with pytest.raises(OSError, match="full"), times.during(Step.WRITING):
        raise OSError("full")
    with times.during(Step.WRITING):
        pass
    assert times.take() == {Step.WRITING: 1.5}
