from __future__ import annotations

from operators.learn.comparison import comparison_table


def test_each_kind_of_training_is_a_row_of_means_over_its_runs() -> None:
    found = {
        "haar": [{"clean": 0.9, "speckle": 0.8}, {"clean": 0.8, "speckle": 0.8}],
        "maximum": [{"clean": 0.7, "speckle": 0.5}],
    }
    assert comparison_table("pooling", found, ("clean", "speckle")).splitlines() == [
        "| pooling | clean | speckle |",
        "|---|---|---|",
        "| haar | 0.850 ± 0.050 | 0.800 ± 0.000 |",
        "| maximum | 0.700 ± 0.000 | 0.500 ± 0.000 |",
    ]


def test_a_figure_that_a_run_does_not_have_counts_in_no_mean() -> None:
    assert comparison_table("kind", {1: [{"size": None}, {"size": 2.0}]}, ("size",)).endswith("| 1 | 2.000 ± 0.000 |")


def test_a_figure_that_no_run_has_is_told_as_none() -> None:
    assert comparison_table("kind", {1: [{"size": None}]}, ("size",)).endswith("| 1 | – |")
