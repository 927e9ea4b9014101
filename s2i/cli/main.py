"""The table of the ``s2i`` commands, and how one of them is run."""

import argparse
import sys
from collections.abc import Sequence

from s2i.cli import app, captions, export, generate, import_checkpoint, preset, report
from s2i.core.errors import UserError

# Each has add_to(subparsers), and run(arguments), which imports what takes long to load.
COMMANDS = (generate, app, captions, export, import_checkpoint, report, preset)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run one of the ``s2i`` commands; a UserError ends the program with its sentence."""
    parser = argparse.ArgumentParser(prog="s2i", description="Photos from sketches.")
    subparsers = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for command in COMMANDS:
        command.add_to(subparsers)
    parsed = parser.parse_args(arguments)
    try:
        parsed.run(parsed)
    except UserError as error:
        sys.exit(f"s2i {parsed.command}: {error}")
