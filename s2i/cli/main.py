"""The table of the ``s2i`` commands, and how one of them is run."""

import argparse
import sys
from collections.abc import Sequence

from s2i.cli import app, cache, captions, check, export, folds, generate, import_checkpoint, preset, report, review
from s2i.core import interruption
from s2i.core.errors import UserError, explained

# Each has add_to(subparsers), and run(arguments), which imports what takes long to load.
COMMANDS = (generate, app, captions, export, import_checkpoint, report, folds, check, preset, cache, review)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run one of the ``s2i`` commands; what the user can mend ends the program with a sentence.

    arguments: those of the command line unless given; then Ctrl-C and SIGTERM end the program with a sentence too.
    """
    parser = argparse.ArgumentParser(prog="s2i", description="Photos from sketches.")
    subparsers = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for command in COMMANDS:
        command.add_to(subparsers)
    parsed = parser.parse_args(arguments)
    if arguments is None and parsed.run not in (app.run, review.run):  # which has servers to end
        interruption.exit_on_signal()
    try:
        parsed.run(parsed)
    except UserError as error:
        sys.exit(f"s2i {parsed.command}: {error}")
    except Exception as error:
        if sentence := explained(error, getattr(parsed, "out", None) or "the disk"):
            sys.exit(f"s2i {parsed.command}: {sentence}")
        raise
