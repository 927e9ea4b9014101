"""The report on a run against another one, in a repository of their metrics alone."""

import numpy as np
import pytest
from helpers.reports import git, scores, write_metrics

from s2i import cli
from s2i.evaluation.report import markdown
from s2i.imaging import io


def test_a_sabotaged_run_is_worse_and_the_report_says_by_how_much(repository, capsys):
    write_metrics(repository, scores(seed=1, harm=0.1), 200)
    (repository / "params.yaml").write_text((repository / "params.yaml").read_text().replace("rank: 64", "rank: 4"))
    with pytest.raises(SystemExit, match="worse than old by edge_f1; see"):
        cli.main(["report", "--against", "old", "--fail-on-worse"])
    assert "edge_f1: 0.7087 -> 0.6094, worse" in capsys.readouterr().out
    text = (repository / "report/report.md").read_text()
    assert text.startswith(markdown.MARKER) and "# Worse by `edge_f1` than old" in text
    row = next(line for line in text.splitlines() if line.startswith("| `st_lpips`, lower"))
    assert "| +0.0992 (+0.09" in row and row.endswith("| **worse** |")
    assert "| `rank` | 64 | 4 |" in text
    assert "| `kid_efficientnet_lite0`, lower is better | 1 | 2 | +1 (+1 to +1) |" in text and "below 2,048" in text
    assert "| **`edge_f1`**, higher is better | 0.8 | 0.7 | 0.75 | 0.9 | +0.05 (+0.01 to +0.09) |" in text
    images = io.read(repository / "report/mosaic.png")
    assert images.shape[1] == 4 * 32 + 3 * 4 and set(np.unique(images[-8])) >= {100, 200}, "old beside new"
    assert io.read(repository / "report/curves.png").std() > 0
    assert "![sketch, old, this run, target](mosaic.png)" in text and len(text) < markdown.MAX_CHARACTERS


def test_another_seed_is_no_evidence_and_does_not_fail(repository, capsys):
    write_metrics(repository, scores(seed=1), 100)
    cli.main(["report", "--against", "old", "--fail-on-worse"])
    assert capsys.readouterr().out.count("no evidence") == 2
    text = (repository / "report/report.md").read_text()
    assert "# No evidence of a difference to old" in text and "None changed." in text


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
    text = markdown.fit(["a" * 60_000, "b" * 5_000, "c" * 5_000])
    assert (
        len(text) <= markdown.MAX_CHARACTERS
        and "b" in text
        and "ccc" not in text
        and text.endswith("longer than a comment may be.\n")
    )


def test_few_photos_pass_fail_on_worse_with_a_sentence(repository, capsys):
    old = scores()
    few = old[old["id"].isin(sorted(old["id"].unique())[:5])]
    write_metrics(repository, few, 100)
    git("commit", "-qam", "few")
    git("tag", "few")
    write_metrics(repository, few.assign(edge_f1=0.1), 100)
    cli.main(["report", "--against", "few", "--fail-on-worse"])
    sentence = "Too few photos to tell this run from few: a verdict at 95% takes at least 6 that both have drawn"
    assert sentence in capsys.readouterr().out
    text = (repository / "report/report.md").read_text()
    assert f"# {sentence}" in text and "too few photos |" in text
