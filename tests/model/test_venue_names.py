"""What the name of an exchange says about whose it is."""

from __future__ import annotations

import pytest

from tick_logger.model.venue_names import MOST_LETTERS, adapter_of, is_entrance

ADAPTERS = ("alpha", "alpha_linear", "beta")


@pytest.mark.parametrize(
    ("name", "adapter"),
    [
        ("alpha", "alpha"),
        ("alpha_us", "alpha"),
        ("alpha_us_2", "alpha"),
        ("alpha_linear", "alpha_linear"),
        ("alpha_linear_us", "alpha_linear"),
        ("alpha_linearus", "alpha"),
        ("beta_1", "beta"),
        ("gamma", None),
        ("gamma_alpha", None),
        ("alphaus", None),
        ("alpha_", None),
        ("alpha__us", None),
        ("alpha_US", None),
        ("alpha_us/..", None),
        ("", None),
    ],
)
def test_the_name_of_an_entrance_begins_with_its_adapters(name: str, adapter: str | None) -> None:
    """The longest that fits; what could be no folder or no part of a variable is none."""
    assert adapter_of(name, ADAPTERS) == adapter


def test_a_name_has_an_end() -> None:
    """It is a label of metrics, too."""
    longest = "alpha_" + "x" * (MOST_LETTERS - 6)
    assert is_entrance(longest, "alpha")
    assert not is_entrance(longest + "x", "alpha")
