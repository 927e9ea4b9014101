"""The table of results in the README."""

from pathlib import Path

import pandas as pd

from s2i.evaluation.results_table import BEGIN, END, of_last_run, results_table, updated

PROJECT = Path(__file__).parents[2]


def test_the_table_of_the_readme_is_that_of_the_metrics(monkeypatch):
    monkeypatch.chdir(PROJECT)
    page = Path("README.md").read_text(encoding="utf-8")
    assert page == updated(page, of_last_run()), "python -m s2i.evaluation.results_table mends it"


def test_a_row_is_a_metric_and_a_column_a_set_that_was_scored():
    figures = {"finetuned": {"edge_f1": 0.66612, "fd_efficientnet_lite0": 142.44}, "base": {"edge_f1": 0.5}}
    figures |= {"target": {"edge_f1": 1.0}}
    rows = [("finetuned", 0.61, 0.71), ("target", 1.0, 1.0)]
    intervals = pd.DataFrame([{"set": of, "metric": "edge_f1", "low": low, "high": high} for of, low, high in rows])
    assert results_table(figures, intervals).splitlines() == [
        "| metric | better is | photos themselves | fine-tuned | base |",
        "|---|---|---|---|---|",
        "| `edge_f1` | higher | 1.000 | 0.666 (0.610 to 0.710) | 0.500 |",
        "| `fd_efficientnet_lite0` | lower |  | 142.4 |  |",
    ]


def test_only_what_stands_between_the_comments_is_replaced():
    assert updated(f"a\n{BEGIN}\nold\n{END}\nb", "new") == f"a\n{BEGIN}\nnew\n{END}\nb"
