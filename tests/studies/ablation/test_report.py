"""How an ablation is reported."""

import numpy as np
import pytest

from s2i.studies.ablation import report, runs


def test_the_page_has_every_experiment_and_keeps_the_prose(study, table, tmp_path):
    page = tmp_path / "ablation.md"
    page.write_text(f"before\n{report.BEGIN}\nstale\n{report.END}\nafter\n")
    for _ in range(2):
        report.write_report(table, study, 9, page, tmp_path / "ablation.png")
    text = page.read_text()
    assert text.startswith("before\n") and text.endswith("\nafter\n") and "stale" not in text
    assert "8 of 9 runs, seeds 0, 1." in text and text.count("| modified (reference) | 1,000 | 60 | 0.2") == 1
    assert "| none | +0.2" in text or "| none | +0.3" in text, "two seeds tell nothing apart, and the table says so"
    white = [line for line in text.splitlines() if line.startswith("| white |")][-1]
    assert white.split(" | ")[1:3] == ["", ""], "its photos have no background: metrics of the building alone"
    assert (tmp_path / "ablation.png").stat().st_size > 10_000


def test_an_interval_holds_for_other_photos_and_other_seeds(table):
    rows = table[(table["experiment"] == "modified") & (table["prompts"] == "given")]
    figures = report.summary(rows, "lpips")
    assert figures["mean"] == pytest.approx(np.mean(figures["seeds"])) and len(figures["seeds"]) == 2
    assert figures["low"] < min(figures["seeds"]) < max(figures["seeds"]) < figures["high"], "two seeds say little"
    assert np.ptp(figures["seeds"]) == pytest.approx(0.02, abs=0.01)
    empty = table[(table["experiment"] == "modified") & (table["prompts"] == "empty")]
    change = report.difference(empty, rows, "lpips")
    assert change.mean == pytest.approx(0.1, abs=0.01)
    corrected = report.difference(empty, rows, "lpips", comparisons=40)
    assert corrected.high - corrected.low > 5 * (change.high - change.low), "with two seeds"


def test_a_study_without_scores_says_so(study, tmp_path):
    page = tmp_path / "ablation.md"
    page.write_text(f"{report.BEGIN}{report.END}\n")
    report.write_report(runs.read_scores(tmp_path / "ablation.csv").head(0), study, 9, page, tmp_path / "ablation.png")
    assert "0 of 9 runs" in page.read_text() and not (tmp_path / "ablation.png").exists()
