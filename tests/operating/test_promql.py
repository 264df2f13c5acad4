"""The reader of PromQL finds what an expression refers to, so that the checks with it can fail."""

from __future__ import annotations

import pytest

from tests.operating.promql import Selector, complaints, exported, read


def _found(expression: str) -> list[str]:
    return [each.metric for each in read(expression).selectors]


@pytest.mark.parametrize(
    ("expression", "metrics"),
    [
        ("up", ["up"]),
        ('up{job="x"} == 0', ["up"]),
        ("a:b_total * 2e3 + 0x1F - .5", ["a:b_total"]),
        ("increase(errors_total[5m]) > 0", ["errors_total"]),
        ("sum by (exchange) (rate(a[$__rate_interval])) / sum(b)", ["a", "b"]),
        ("sum(rate(a[1h:5m] offset 1d)) without (le)", ["a"]),
        ("a and on (job, instance) time() - b > 300", ["a", "b"]),
        ("a * on (x) group_left (y) c unless d", ["a", "c", "d"]),
        ("a / on (x) group_left count(c)", ["a", "c"]),
        ("histogram_quantile(0.99, sum by (le) (rate(h_bucket{e=~\"$e\"}[5m])))", ["h_bucket"]),
        ("a{text=\"sum(b) } # \\\" c\"} # d\n+ e", ["a", "e"]),
        ("a @ 1609746000 + b @ end()", ["a", "b"]),
        ("a > bool 5 or vector(1)", ["a"]),
        ("a < inf or a > -Inf", ["a", "a"]),
        ("topk(5, a) ^ 2", ["a"]),
        ("count by (x) (a)", ["a"]),
        ("a offset 5m30s", ["a"]),
    ],
)  # fmt: skip
def test_metrics_of_an_expression(expression: str, metrics: list[str]) -> None:
    """Metrics, but no functions, keywords, labels, texts or comments."""
    assert _found(expression) == metrics


def test_labels_of_a_selector_and_of_lists() -> None:
    """In braces they belong to the metric, in lists to nobody."""
    reading = read('sum by (le, exchange) (a{feed="x", cause!~"y|z",}) / on (job) b')
    assert reading.selectors == (
        Selector("a", frozenset({"feed", "cause"})),
        Selector("b", frozenset()),
    )
    assert reading.listed == {"le", "exchange", "job"}


@pytest.mark.parametrize("expression", ['{__name__="up"}', "a{b", "sum by (a", "a ? b", '"open'])
def test_what_is_not_understood_is_refused(expression: str) -> None:
    """Rather than passed over, which would let a wrong name through."""
    with pytest.raises(ValueError, match=r"."):
        read(expression)


TEXT = """\
# HELP app_errors_total Errors
# TYPE app_errors_total counter
app_errors_total{path="a\\"b} c",status="5"} 1.0
# TYPE app_idle_total counter
# TYPE app_secs histogram
app_secs_bucket{exchange="x",le="+Inf"} 2.0 1700000000
app_secs_count{exchange="x"} 2.0
app_secs_sum{exchange="x"} 2.0
# TYPE app_lag gauge
app_lag 0.5
"""


def test_what_a_metrics_text_exports() -> None:
    """Names with their labels; families without a sample by their type."""
    assert exported(TEXT) == {
        "app_errors_total": {"path", "status"},
        "app_idle_total": None,
        "app_secs_bucket": {"exchange", "le"},
        "app_secs_count": {"exchange"},
        "app_secs_sum": {"exchange"},
        "app_lag": frozenset(),
    }


def test_names_and_labels_that_do_not_exist_are_found() -> None:
    """Each with its expression, and nothing else."""
    right = [
        'sum by (status, job) (app_errors_total{path="/", instance="a"})',
        'app_idle_total{anything="x"} + app_lag',
        "rate(app_secs_bucket[5m])",
    ]
    wrong = ["app_errors", 'app_lag{path="/"}', "sum by (feed) (app_lag)"]
    assert complaints(right, exported(TEXT)) == []
    assert complaints(wrong, exported(TEXT)) == [
        "nothing exports app_errors: app_errors",
        'app_lag has no label path: app_lag{path="/"}',
        "nothing has a label feed: sum by (feed) (app_lag)",
    ]
