"""Lines for the user beside a run: what it says on the way, which is no error."""

import sys
from pathlib import Path


def program() -> str:
    """What runs: the name of a stage, or s2i."""
    name = Path(sys.argv[0]).stem
    return name if name and not name.startswith("_") else "s2i"


def say(line: str) -> None:
    """Print a line to stderr, above the progress bars."""
    from tqdm import tqdm  # not for the first thing that a stage imports, see `interruption`

    tqdm.write(f"{program()}: {line}", file=sys.stderr)
