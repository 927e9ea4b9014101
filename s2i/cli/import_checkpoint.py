"""`s2i import`: a modified-LoRA checkpoint that was trained elsewhere."""

from argparse import Namespace
from pathlib import Path
from typing import get_args

from s2i.cli.options import Subparsers, replaceable
from s2i.core import params_file
from s2i.core.files import write_json
from s2i.core.output_folders import whole_folder
from s2i.core.params import Condition


def add_to(subparsers: Subparsers) -> None:
    """Add the command to those of `s2i`."""
    parser = subparsers.add_parser("import", help="take over a modified-LoRA checkpoint (.pth)")
    parser.add_argument("file", type=Path, metavar="FILE.pth", help="state dict with original.weight, lora_A, lora_B")
    parser.add_argument("--out", type=Path, default=Path("models/imported"), help="folder (default: models/imported)")
    parser.add_argument(
        "--condition",
        choices=get_args(Condition),
        default="drawing",
        help="what it saw of sketches: drawing, dark lines on light paper in their colours (default); sketch, white "
        "lines on black; edges; material",
    )
    parser.set_defaults(run=run)


def run(arguments: Namespace) -> None:
    """Turn a modified-LoRA checkpoint into a trained model, on the ControlNet that params.yaml names.

    What its control images were is written down with it, and holds whatever conditions params.yaml names.
    """
    out = replaceable(arguments.out)

    from s2i.diffusion import lora_files, model_folder  # torch and diffusers take seconds to import

    with whole_folder(out) as folder:
        rank = lora_files.import_modified_lora(arguments.file, params_file.load().controlnet, folder)
        write_json(folder / model_folder.SETTINGS, {"conditions": [arguments.condition]})
    print(f"{out}: modified LoRA of rank {rank}; draw with `s2i generate SKETCH --model {out}`")
