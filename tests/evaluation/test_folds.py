import subprocess

import pytest
import yaml
from helpers.reports import git, scores, write_metrics

from s2i import cli
from s2i.core.errors import UserError
from s2i.evaluation import folds


@pytest.fixture
def run_fold(repository):
    """run_fold(fold, of) is as if the fold, every of-th photo, had been run as a DVC experiment."""
    head = subprocess.run(["git", "rev-parse", "HEAD"], check=True, capture_output=True, text=True).stdout.strip()

    def run_fold(fold, of=3, **settings):
        table = scores(seed=fold)
        write_metrics(repository, table[table["id"].isin(sorted(table["id"].unique())[fold::of])], 100)
        values = yaml.safe_load((repository / "params.yaml").read_text())
        values["ingest"] |= {"folds": of, "fold": fold}
        (repository / "params.yaml").write_text(yaml.safe_dump(values | settings))
        git("commit", "-qam", f"fold {fold}")
        git("update-ref", f"refs/exps/{head[:2]}/{head[2:]}/fold-{fold}-{len(settings)}", "HEAD")
        git("reset", "-q", "--hard", head)

    return run_fold


def test_every_photo_counts_once_in_the_pooled_scores(run_fold, tmp_path, capsys):
    for fold in range(3):
        run_fold(fold)
    cli.main(["folds"])
    printed = capsys.readouterr().out
    assert printed.startswith("30 photos, each drawn by the one of 3 models that was not trained with it")
    assert "| `edge_f1` |" in printed and printed == (tmp_path / "folds/folds.md").read_text() + "\nfolds/folds.md\n"
    table = folds.pooled_scores()
    assert table.groupby(["id", "model", "sketch_style"]).size().eq(1).all() and table["id"].nunique() == 30
    finetuned = table[table["model"] == "finetuned"]["st_lpips"]
    figures = folds.figures(table, 0.95)
    assert figures["finetuned"]["st_lpips"]["mean"] == pytest.approx(finetuned.mean())
    gain = figures["gain over base"]["st_lpips"]
    assert gain["low"] < 0 < gain["high"], "nothing was gained"


def test_a_fold_that_was_not_run_is_named(run_fold):
    with pytest.raises(UserError, match=r"no experiment of the last commit is a fold: run `dvc exp run --queue -S"):
        folds.pooled_scores()
    run_fold(1)
    with pytest.raises(UserError, match=r"of 3 folds 0, 2 were not run: see `dvc queue status`"):
        folds.pooled_scores()


def test_folds_of_other_settings_are_not_pooled_with_these(run_fold):
    run_fold(0)
    run_fold(1)
    run_fold(2, rank=8)
    with pytest.raises(UserError, match=r"of 3 folds .* were not run"):
        folds.pooled_scores()
