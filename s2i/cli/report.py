"""`s2i report`: whether this run is better than another one, in Markdown."""

from argparse import Namespace
from pathlib import Path

from s2i.cli.options import Subparsers, writable
from s2i.core import params_file
from s2i.core.errors import UserError


def add_to(subparsers: Subparsers) -> None:
    """Add the command to those of `s2i`."""
    parser = subparsers.add_parser("report", help="say in Markdown whether this run is better than another one")
    parser.add_argument("--against", required=True, metavar="REV", help="a Git revision or a DVC experiment")
    parser.add_argument("--out", type=Path, default=Path("report"), help="folder for report.md (default: report)")
    parser.add_argument("--fail-on-worse", action="store_true", help="exit with 1 when a headline metric is worse")
    parser.set_defaults(run=run)


def run(arguments: Namespace) -> None:
    """Write report.md and its images into --out, and print the verdict on every headline metric, and a summary.

    Raises UserError when one of them is worse, and --fail-on-worse was given.
    """
    from s2i.evaluation.report import markdown  # pandas takes a second to import
    from s2i.evaluation.report.verdicts import sum_up

    writable(arguments.out)
    level = params_file.load().evaluate.level
    verdicts = markdown.report(arguments.against, arguments.out, level)
    headlines = [verdict for verdict in verdicts if verdict.is_headline]
    for verdict in headlines:
        print(f"{verdict.metric}: {verdict.old:.4g} -> {verdict.new:.4g}, {verdict.outcome}")
    print(sum_up(verdicts, arguments.against, level))
    print(arguments.out / "report.md")
    worse = [verdict.metric for verdict in headlines if verdict.outcome == "worse"]
    if arguments.fail_on_worse and worse:
        raise UserError(f"worse than {arguments.against} by {', '.join(worse)}; see {arguments.out / 'report.md'}.")
