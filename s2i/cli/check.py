"""`s2i check`: what a run would do and need, before it."""

from argparse import Namespace
from pathlib import Path

from s2i.cli.options import Subparsers
from s2i.core import params_file
from s2i.core.errors import UserError

PHOTOS = Path("data/photos")


def add_to(subparsers: Subparsers) -> None:
    """Add the command to those of `s2i`."""
    parser = subparsers.add_parser("check", help="say before a run what it would do and need, and what looks wrong")
    parser.add_argument("photos", nargs="?", type=Path, default=PHOTOS, help=f"folder (default: {PHOTOS})")
    parser.add_argument("--quick", action="store_true", help="take no training steps, which tell memory and hours")
    parser.set_defaults(run=run)


def run(arguments: Namespace) -> None:
    """Print where the photos would go, which weights are there, memory, disk and hours, and what looks wrong.

    Raises UserError where something would stop a run, or spoil it.
    """
    from s2i.cli import checks  # imports what stages import

    wrong = 0
    for subject, sentence in checks.lines(arguments.photos, params_file.load(), not arguments.quick):
        wrong += subject.startswith("!")
        print(f"{subject:14} {sentence}", flush=True)
    if wrong:
        raise UserError(f"{wrong} of these lines begin with '!': look at them before a long run.")
