"""`s2i cache`: how large the cache of results is, and how it is made smaller."""

import time
from argparse import ArgumentTypeError, Namespace
from collections import defaultdict

from s2i.cli.options import Subparsers
from s2i.core import cache, cache_usage
from s2i.core.cache_usage import Entry

DAY, GIGABYTE = 86_400, 1e9


def add_to(subparsers: Subparsers) -> None:
    """Add the command to those of `s2i`."""
    parser = subparsers.add_parser("cache", help="say how large the cache is, by kind, and make it smaller")
    parser.add_argument("--older-than", type=_positive, metavar="DAYS", help="remove what was not used for so long")
    parser.add_argument("--at-most", type=_positive, metavar="GB", help="remove the longest unused beyond that")
    parser.set_defaults(run=run)


def run(arguments: Namespace) -> None:
    """Print what the cache folder holds; with an option, remove some of it first and say how much that was."""
    found = cache_usage.entries(cache.root())
    if arguments.older_than is not None or arguments.at_most is not None:
        oldest = 0.0 if arguments.older_than is None else time.time() - arguments.older_than * DAY
        most = float("inf") if arguments.at_most is None else arguments.at_most * GIGABYTE
        removed = cache_usage.prune(found, oldest, most)
        print(f"removed: {len(removed)} entries, {_megabytes(removed)}")
        found = cache_usage.entries(cache.root())
    by_kind: dict[str, list[Entry]] = defaultdict(list)
    for entry in found:
        by_kind[entry.kind].append(entry)
    for kind, of_kind in sorted(by_kind.items(), key=lambda item: -sum(entry.size for entry in item[1])):
        print(f"{kind:<28} {len(of_kind):>8} entries {_megabytes(of_kind):>14}")
    print(f"{cache.root()}: {len(found)} entries, {_megabytes(found)}")


def _megabytes(found: list[Entry]) -> str:
    return f"{sum(entry.size for entry in found) / 1e6:,.1f} MB"


def _positive(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not value >= 0:
        raise ArgumentTypeError(f"'{text}' is no number from 0 on")
    return value
