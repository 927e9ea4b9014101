"""Bad inputs, damage and accidents tried one by one, and counts of what came of them.

    python tests/trials.py [KIND...] [--name WORDS] [--list]

Each file in tests/bad_inputs declares trials of some kinds in a list TRIALS.  The exit status is 1 if one ends badly.
"""

import argparse
import csv
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


def counts(outcomes: list[tuple[Trial, Found]]) -> list[list[str | int]]:
    """Counts by kind and outcome, and their sums, below a header."""
    columns = (*GOOD, *BAD)
    counter = Counter((trial.kind, found.outcome) for trial, found in outcomes)
    kinds = dict.fromkeys(trial.kind for trial, _ in outcomes)
    rows: list = []
    for kind in kinds:
        row = [counter[kind, name] for name in columns]
        rows.append([kind, sum(row), *row])
    totals = [sum(row[place] for row in rows) for place in range(1, len(columns) + 2)]
    return [["kind", "tried", *columns], *rows, ["all", *totals]]


def main() -> None:
    """Run the trials that were asked for, name each that ends badly, and print the counts."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("kinds", nargs="*", metavar="KIND", help="all kinds, unless some are named")
    parser.add_argument("--name", default="", help="only trials whose names hold these words")
    parser.add_argument("--list", action="store_true", help="say what there is, and run nothing")
    parser.add_argument("--verbose", action="store_true", help="say of every trial what came of it")
    parser.add_argument("--out", type=Path, metavar="FILE.csv", help="write the counts there, for docs/reliability.md")
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
    rows = counts(outcomes)
    print("\n".join(f"{row[0]!s:24}" + "".join(f"{cell!s:>10}" for cell in row[1:]) for row in rows))
    if arguments.out:
        with open(arguments.out, "w", encoding="utf-8", newline="") as file:
            csv.writer(file, lineterminator="\n").writerows(rows)
    sys.exit(any(found.outcome in BAD for _, found in outcomes))


if __name__ == "__main__":
    main()
