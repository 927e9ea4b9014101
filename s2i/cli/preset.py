"""`s2i preset`: settings that belong together, written into params.yaml."""

from argparse import Namespace
from pathlib import Path

from s2i.cli.check import PHOTOS
from s2i.cli.options import Subparsers
from s2i.core import params_file
from s2i.core.errors import UserError


def add_to(subparsers: Subparsers) -> None:
    """Add the command to those of `s2i`."""
    parser = subparsers.add_parser("preset", help="set params.yaml up for sd15, sd15-photos, sd15-photos-8gb or demo")
    parser.add_argument("name", metavar="NAME")
    parser.set_defaults(run=run)


def run(arguments: Namespace) -> None:
    """Write a preset into params.yaml, and print what changed and where the photos would go."""
    from s2i.cli import checks, presets  # ruamel.yaml, for this command alone

    changes = presets.apply(arguments.name, Path("params.yaml"))
    print(changes or f"params.yaml is as {arguments.name} wants it already.")
    if PHOTOS.is_dir():
        try:
            print(checks.read_photos(PHOTOS, params_file.load()).sentence())
        except UserError as error:  # the preset is written all the same
            print(error)
