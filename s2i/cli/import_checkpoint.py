"""`s2i import`: a modified-LoRA checkpoint that was trained elsewhere."""

from argparse import Namespace
from pathlib import Path

from s2i.cli.options import Subparsers, replaceable
from s2i.core import params_file
from s2i.core.files import whole_folder


def add_to(subparsers: Subparsers) -> None:
    """Add the command to those of `s2i`."""
    parser = subparsers.add_parser("import", help="take over a modified-LoRA checkpoint (.pth)")
    parser.add_argument("file", type=Path, metavar="FILE.pth", help="state dict with original.weight, lora_A, lora_B")
    parser.add_argument("--out", type=Path, default=Path("models/imported"), help="folder (default: models/imported)")
    parser.set_defaults(run=run)


def run(arguments: Namespace) -> None:
    """Turn a modified-LoRA checkpoint into a trained model, on the ControlNet that params.yaml names."""
    from s2i.diffusion import lora_files  # torch and diffusers take seconds to import

    out = replaceable(arguments.out)
    with whole_folder(out) as folder:
        rank = lora_files.import_modified_lora(arguments.file, params_file.load().controlnet, folder)
    print(f"{out}: modified LoRA of rank {rank}; draw with `s2i generate SKETCH --model {out}`")
