"""Bad inputs, damage and accidents tried one by one, and counts of what came of them.

    python tests/trials.py [KIND...] [--name WORDS] [--list]

Each file in tests/bad_inputs declares trials of some kinds in a list TRIALS.  The exit status is 1 if one ends badly.
"""

import argparse
import sys
from collections import Counter
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory

PROJECT = Path(__file__).resolve().parents[1]
sys.path[:0] = [path for path in (str(PROJECT), str(PROJECT / "tests")) if path not in sys.path]

from helpers.trials import BAD, GOOD, Found, Trial, run  # noqa: E402  # after the path that it is found on


def declared() -> list[Trial]:
    """All trials, those of one file after those of another."""
    files = sorted((PROJECT / "tests/bad_inputs").glob("[!_]*.py"))
    return [trial for file in files for trial in import_module(f"bad_inputs.{file.stem}").TRIALS]


def table(outcomes: list[tuple[Trial, Found]]) -> str:
    """Counts by kind and outcome, in Markdown."""
    columns = (*GOOD, *BAD)
    counts = Counter((trial.kind, found.outcome) for trial, found in outcomes)
    kinds = list(dict.fromkeys(trial.kind for trial, _ in outcomes))
    lines = [f"| kind | tried | {' | '.join(columns)} |", f"|---|{'---:|' * (len(columns) + 1)}"]
    for kind in kinds:
        row = [counts[kind, outcome] for outcome in columns]
        lines.append(f"| {kind} | {sum(row)} | {' | '.join(map(str, row))} |")
    totals = [sum(counts[kind, outcome] for kind in kinds) for outcome in columns]
    return "\n".join([*lines, f"| all | {sum(totals)} | {' | '.join(map(str, totals))} |"])


def main() -> None:
    """Run the trials that were asked for, name each that ends badly, and print the counts."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("kinds", nargs="*", metavar="KIND", help="all kinds, unless some are named")
    parser.add_argument("--name", default="", help="only trials whose names hold these words")
    parser.add_argument("--list", action="store_true", help="say what there is, and run nothing")
    parser.add_argument("--verbose", action="store_true", help="say of every trial what came of it")
    arguments = parser.parse_args()
    chosen = [
        trial
        for trial in declared()
        if (not arguments.kinds or trial.kind in arguments.kinds) and arguments.name in trial.name
    ]
    if arguments.list:
        print("\n".join(f"{trial.kind}: {trial.name}" for trial in chosen))
        return
    outcomes = []
    with TemporaryDirectory(prefix="s2i-trials-") as scratch:
        for trial in chosen:
            found = run(trial, Path(scratch))
            outcomes.append((trial, found))
            if found.outcome in BAD or arguments.verbose:
                print(
                    f"{found.outcome:9} {found.seconds:5.1f} s  {trial.kind}: {trial.name}\n    {found.words}",
                    flush=True,
                )
    print(table(outcomes))
    sys.exit(any(found.outcome in BAD for _, found in outcomes))


if __name__ == "__main__":
    main()
