"""`s2i captions`: captions of the same images by several models and prompts, side by side."""

import sys
from argparse import Namespace
from pathlib import Path

from s2i.cli.options import Subparsers, writable
from s2i.core import tables


def add_to(subparsers: Subparsers) -> None:
    """Add the command to those of `s2i`."""
    parser = subparsers.add_parser("captions", help="compare captions by model and prompt")
    parser.add_argument("file", type=Path, metavar="FILE.csv", help="columns image, label, prompt, answer[, model]")
    parser.add_argument("--out", type=Path, default=Path("captions"), help="folder for table and plot")
    parser.set_defaults(run=run)


def run(arguments: Namespace) -> None:
    """Print how the captions in the file differ by prompt; write it to --out as captions.csv and captions.png.

    Rows that cannot be used are named.  Raises UserError when the file is no table of captions.
    """
    from s2i.dataset.survey import caption_table  # pandas takes a second to import

    writable(arguments.out)
    table, refused = caption_table.read(arguments.file)
    for row in refused:
        print(f"s2i captions: {row.name} {row.why}; it is left out.", file=sys.stderr)
    comparison = caption_table.compare(table)
    arguments.out.mkdir(parents=True, exist_ok=True)
    comparison.map(tables.neutralised).to_csv(arguments.out / "captions.csv", index=False)
    caption_table.plot(comparison, arguments.out / "captions.png")
    print(comparison.to_string(index=False, float_format="{:.3f}".format, max_colwidth=caption_table.MAX_NAME))
