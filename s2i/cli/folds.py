"""`s2i folds`: what the folds of a cross-validation score together."""

from argparse import Namespace
from pathlib import Path

from s2i.cli.options import Subparsers
from s2i.core import params_file


def add_to(subparsers: Subparsers) -> None:
    """Add the command to those of `s2i`."""
    parser = subparsers.add_parser("folds", help="pool the scores of the folds that were run as experiments")
    parser.add_argument("--out", type=Path, default=Path("folds"), help="folder for the tables (default: folds)")
    parser.set_defaults(run=run)


def run(arguments: Namespace) -> None:
    """Print the headline figures over all photos; write per_image.csv, intervals.csv and folds.md into --out.

    Raises UserError when a fold is missing.
    """
    from s2i.evaluation import folds, summary  # pandas takes a second to import
    from s2i.metrics.registry import HEADLINES

    level = params_file.load().evaluate.level
    table = folds.pooled_scores()
    figures = folds.figures(table, level)
    text = folds.markdown(figures, table, level, HEADLINES)
    arguments.out.mkdir(parents=True, exist_ok=True)
    table.to_csv(arguments.out / "per_image.csv", index=False)
    summary.intervals(figures).to_csv(arguments.out / "intervals.csv", index=False)
    (arguments.out / "folds.md").write_text(text, encoding="utf-8")
    print(text, arguments.out / "folds.md", sep="\n")
