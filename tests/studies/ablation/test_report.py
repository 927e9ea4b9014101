"""How an ablation is reported."""

import numpy as np
import pytest

from s2i.studies.ablation import report, runs


def test_the_page_has_every_experiment_and_keeps_the_prose(study, table, tmp_path):
    page = tmp_path / "ablation.md"
    page.write_text(f"before\n{report.BEGIN}\nstale\n{report.END}\nafter\n")
    for _ in range(2):
        report.write_report(table, study, 7, page, tmp_path / "ablation.png")
    text = page.read_text()
    assert text.startswith("before\n") and text.endswith("\nafter\n") and "stale" not in text
    assert "6 of 7 runs, seeds 0, 1." in text and text.count("| modified (reference) | 1,000 | 0.2") == 1
    assert "| full | **+0.0" in text, "its interval, photo by photo, is narrower than photos differ"
    assert (tmp_path / "ablation.png").stat().st_size > 10_000


def test_seeds_are_pooled_and_photos_resampled(table):
    rows = table[(table["experiment"] == "modified") & (table["prompts"] == "given")]
    figures = report.summary(rows, "st_lpips")
    assert figures["mean"] == pytest.approx(np.mean(figures["seeds"])) and len(figures["seeds"]) == 2
    assert figures["low"] < figures["mean"] < figures["high"]
    assert np.ptp(figures["seeds"]) == pytest.approx(0.02, abs=0.01)
    empty = table[(table["experiment"] == "modified") & (table["prompts"] == "empty")]
    change = report.difference(empty, rows, "st_lpips")
    assert change["low"] > 0 and change["high"] - change["low"] < figures["high"] - figures["low"]


def test_a_study_without_scores_says_so(study, tmp_path):
    page = tmp_path / "ablation.md"
    page.write_text(f"{report.BEGIN}{report.END}\n")
    report.write_report(runs.read_scores(tmp_path / "ablation.csv").head(0), study, 7, page, tmp_path / "ablation.png")
    assert "0 of 7 runs" in page.read_text() and not (tmp_path / "ablation.png").exists()
