"""Options that several commands share."""

import argparse
import errno
import os
from collections.abc import Collection
from pathlib import Path
from typing import TypeAlias

from s2i.core import output_folders
from s2i.core.errors import UserError
from s2i.generation import find_model
from s2i.generation.engines import available

Subparsers: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"


def add_model_options(parser: argparse.ArgumentParser) -> None:
    """Add the options that say which model draws, and how it computes."""
    parser.add_argument(
        "--model", default=str(find_model.FOLDER), help=f"folder, experiment or hub id (default: {find_model.FOLDER})"
    )
    parser.add_argument("--tiny-decoder", metavar="FOLDER", help="an AutoencoderTiny, faster than the full decoder")
    parser.add_argument("--compile", action="store_true", help="torch.compile: minutes at first, then faster")
    parser.add_argument(
        "--engine",
        choices=available.ENGINES,
        default="torch",
        help="openvino is faster on a CPU, openvino-int8 faster still, after minutes at first (default: torch)",
    )


def writable(out: Path) -> Path:
    """The folder that --out names, into which files will be written beside those that are there.

    Raises UserError when none can be, before a model is loaded for it.
    """
    try:
        missing = not out.exists()
        out.mkdir(parents=True, exist_ok=True)
        if not os.access(out, os.W_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        if missing:
            out.rmdir()
    except OSError as error:
        raise UserError(f"--out {out} cannot be written to ({error.strerror}): name another folder.") from None
    return out


def replaceable(out: Path, may_hold: Collection[str] = ()) -> Path:
    """The folder that --out names, which will be replaced as a whole.

    Raises UserError when it holds the current folder, as all work there would go with it, or what s2i did not write,
    and is not among the names it may hold.
    """
    if Path.cwd().is_relative_to(out.resolve()):
        raise UserError(f"--out {out} holds the folder you are in, and would be replaced: name another.")
    output_folders.check(out, may_hold)
    return out
