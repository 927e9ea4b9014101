"""The report on a run against another one, in a repository of their metrics alone."""

import json
import subprocess
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

from s2i import cli, images, report
from s2i.mosaics import cells, mosaic
from s2i.verdicts import compare, summed_up

PHOTOS = [f"{number:016x}" for number in range(30)]
STYLES = ("given", "xdog")


def scores(seed=0, harm=0.0):
    """A table of the evaluate stage: edge_f1 and st_lpips of both models; harm makes the fine-tuned pictures worse."""
    difficulty, rng = np.random.default_rng(0).normal(size=len(PHOTOS)), np.random.default_rng(seed)
    rows = []
    for model in ("base", "finetuned"):
        for place, photo in enumerate(PHOTOS):
            for style in STYLES:
                score = 0.3 + 0.05 * difficulty[place] + 0.02 * rng.normal() + harm * (model == "finetuned")
                row = {"id": photo, "variant": 0, "sketch_style": style, "model": model}
                rows.append(row | {"st_lpips": score, "edge_f1": 1 - score, "balcony_recall": rng.choice([0, 1, None])})
    return pd.DataFrame(rows)


def write_metrics(folder, table, shade):
    evaluated = folder / "metrics/evaluate"
    evaluated.mkdir(parents=True, exist_ok=True)
    table.to_csv(evaluated / "per_image.csv", index=False)
    columns = {name: [np.full((32, 32, 3), shade, np.uint8)] * 3 for name in ("sketch", "base", "fine-tuned", "target")}
    images.write_png(evaluated / "mosaic.png", mosaic(columns))
    figures = {"images": 60, "photos": 30, "finetuned": {"kid_efficientnet_lite0": shade / 100}}
    (folder / "metrics/evaluate.json").write_text(json.dumps(figures))
    losses = folder / "metrics/train/plots/metrics"
    losses.mkdir(parents=True, exist_ok=True)
    pd.DataFrame({"step": range(9), "loss": np.linspace(1, shade / 100, 9)}).to_csv(
        losses / "loss.tsv", sep="\t", index=False
    )


def git(*arguments):
    identity = ["-c", "user.name=s2i", "-c", "user.email=s2i@example.com"]
    subprocess.run(["git", *identity, *arguments], check=True, capture_output=True)


@pytest.fixture
def repository(tmp_path, monkeypatch):
    """A repository with params.yaml and metrics in its first commit, tagged old."""
    monkeypatch.chdir(tmp_path)
    values = yaml.safe_load((Path(__file__).parent.parent / "params.yaml").read_text())
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(values))
    (tmp_path / "dvc.yaml").write_text("params: [params.yaml]\n")
    git("init", "-q")
    subprocess.run(["dvc", "init", "-q"], check=True)
    write_metrics(tmp_path, scores(), 100)
    git("add", ".")
    git("commit", "-qm", "first")
    git("tag", "old")
    return tmp_path


def test_a_sabotaged_run_is_worse_and_the_report_says_by_how_much(repository, capsys):
    write_metrics(repository, scores(seed=1, harm=0.1), 200)
    (repository / "params.yaml").write_text((repository / "params.yaml").read_text().replace("rank: 64", "rank: 4"))
    with pytest.raises(SystemExit, match="worse than old by st_lpips, edge_f1; see"):
        cli.main(["report", "--against", "old", "--fail-on-worse"])
    assert "-> 0.3906, worse" in capsys.readouterr().out
    text = (repository / "report/report.md").read_text()
    assert text.startswith(report.MARKER) and "# Worse by `st_lpips`, `edge_f1` than old" in text
    row = next(line for line in text.splitlines() if line.startswith("| **`st_lpips`**, lower"))
    assert "| +0.0992 (+0.09" in row and row.endswith("| **worse** |")
    assert "| `rank` | 64 | 4 |" in text
    assert "| `kid_efficientnet_lite0`, lower is better | 1 | 2 |" in text and "below 2,048" in text
    shown = images.read(repository / "report/mosaic.png")
    assert shown.shape[1] == 4 * 32 + 3 * 4 and set(np.unique(shown[-8])) >= {100, 200}, "old beside new"
    assert images.read(repository / "report/curves.png").std() > 0
    assert "![sketch, old, this run, target](mosaic.png)" in text and len(text) < report.LIMIT


def test_another_seed_is_no_evidence_and_does_not_fail(repository, capsys):
    write_metrics(repository, scores(seed=1), 100)
    cli.main(["report", "--against", "old", "--fail-on-worse"])
    assert capsys.readouterr().out.count("no evidence") == 3
    text = (repository / "report/report.md").read_text()
    assert "# No evidence of a difference to old" in text and "None changed." in text


def test_a_better_run_is_better():
    verdicts = compare(scores(harm=0.1), scores(seed=1), 0.95)
    assert {one.metric: one.said for one in verdicts} == {
        "st_lpips": "better",
        "edge_f1": "better",
        "balcony_recall": "no evidence",
    }
    assert summed_up(verdicts, "v1") == "Better by `st_lpips`, `edge_f1` than v1"


def test_reruns_with_another_seed_are_called_different_no_more_often_than_the_level_allows():
    called = [
        any(one.said != "no evidence" for one in compare(scores(2 * k), scores(2 * k + 1), 0.95)) for k in range(40)
    ]
    assert np.mean(called) <= 0.15


def test_the_working_folder_is_compared_with_a_dvc_experiment_by_name(repository):
    write_metrics(repository, scores(seed=1, harm=-0.1), 100)
    git("commit", "-qam", "experiment")
    git("update-ref", "refs/exps/ab/cdef/sharp-nose", "HEAD")
    git("reset", "-q", "--hard", "old")
    cli.main(["report", "--against", "sharp-nose"])
    assert "# Worse by" in (repository / "report/report.md").read_text()


@pytest.mark.parametrize("name", ["nowhere", "--help", "HEAD~7"])
def test_a_revision_that_does_not_exist_is_one_sentence(repository, name):
    with pytest.raises(SystemExit, match=f"'{name}' is no revision of this repository and no DVC experiment"):
        cli.main(["report", f"--against={name}"])


def test_a_revision_or_a_folder_without_metrics_is_one_sentence(repository):
    git("rm", "-rq", "metrics")
    git("commit", "-qm", "without")
    with pytest.raises(SystemExit, match="this folder has no metrics/evaluate/per_image"):
        cli.main(["report", "--against", "old"])
    write_metrics(repository, scores(), 100)
    with pytest.raises(SystemExit, match="HEAD has no metrics/evaluate/per_image"):
        cli.main(["report", "--against", "HEAD"])


def test_runs_without_a_sketch_in_common_are_not_compared(repository):
    write_metrics(repository, scores().assign(id="f" * 16), 100)
    with pytest.raises(SystemExit, match="have drawn no sketch in common"):
        cli.main(["report", "--against", "old"])


def test_a_report_longer_than_a_comment_loses_its_end():
    text = report.fitted(["a" * 60_000, "b" * 5_000, "c" * 5_000])
    assert (
        len(text) <= report.LIMIT
        and "b" in text
        and "ccc" not in text
        and text.endswith("longer than a comment may be.\n")
    )


def test_the_pictures_of_a_mosaic_can_be_taken_out_again():
    from PIL import Image

    rng = np.random.default_rng(0)
    for side in (64, 128, 200):
        pictures = {name: [rng.integers(0, 256, (side, side, 3)).astype(np.uint8) for _ in range(3)] for name in "ab"}
        rows = cells(Image.fromarray(mosaic(pictures)), 2)
        assert len(rows) == 3
        for place, row in enumerate(rows):
            assert (row[0] == pictures["a"][place]).all() and (row[1] == pictures["b"][place]).all()
