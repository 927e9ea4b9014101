"""`s2i export`: LoRA files of a trained model, or a Hugging Face Space of it."""

from argparse import Namespace
from pathlib import Path

from s2i.cli.options import Subparsers, replaceable
from s2i.core import params_file
from s2i.core.errors import UserError
from s2i.core.output_folders import NEW_SPACE, whole_folder
from s2i.core.params import Params
from s2i.diffusion import model_folder
from s2i.generation import find_model


def add_to(subparsers: Subparsers) -> None:
    """Add the command to those of `s2i`."""
    parser = subparsers.add_parser("export", help="write LoRA files of a trained model, or a Hugging Face Space of it")
    parser.add_argument("--space", action="store_true", help="a Space with the app and the model, ready to be pushed")
    parser.add_argument("--rank", type=int, default=64, help="of the LoRA cut out of a ControlNet (default: 64)")
    parser.add_argument("--names", choices=["kohya", "diffusers"], default="kohya", help="in a UNet LoRA's file")
    parser.add_argument("--model", type=Path, default=find_model.FOLDER, help=f"default: {find_model.FOLDER}")
    parser.add_argument("--out", type=Path, help="folder (default: models/lora, or models/space)")
    parser.set_defaults(run=run)


def run(arguments: Namespace) -> None:
    """Write a trained model for others: its LoRA files, or with --space a Hugging Face Space of it."""
    if arguments.space:
        export_space(arguments.model, arguments.out or Path("models/space"))
    else:
        export_lora(arguments.model, arguments.out or Path("models/lora"), arguments.rank, arguments.names)


def export_space(model: Path, out: Path) -> None:
    """Write a Hugging Face Space of a trained model into the folder ``out``."""
    replaceable(out, may_hold=NEW_SPACE)

    from s2i.app import space, suggestions  # torch and diffusers take seconds to import

    space.write(find_model.in_few_steps(find_model.find(model)), suggestions.of_records(), out)
    print(f"{out}: push it with `git` or `hf upload` to a Space of the kind gradio")


def export_lora(model: Path, out: Path, rank: int, names: str) -> None:
    """Write the LoRA nearest to what training changed of each ControlNet, and the UNet's LoRA, where there is one.

    Prints how much of the change a ControlNet's LoRA keeps.  names: whose names the UNet's LoRA has, kohya's or
    diffusers'.
    """
    params: Params = params_file.load()
    replaceable(out)

    from s2i.diffusion import lora_files  # torch and diffusers take seconds to import

    if rank < 1:
        raise UserError(f"--rank is {rank}; a LoRA has a rank of at least 1.")
    unet_lora = model / model_folder.UNET_LORA
    has_controlnet = model_folder.controlnet_folders(model, 1)[0].is_dir()
    with whole_folder(out) as folder:
        if unet_lora.is_dir():
            lora_files.export_unet_lora(unet_lora, names, folder / model_folder.UNET_LORA)
            print(f"{model_folder.UNET_LORA}: as it was trained, under the names of {names}")
        if has_controlnet or not unet_lora.is_dir():  # where there is neither, this says what is missing
            for controlnet in model_folder.find_controlnets(model, params.conditions):
                path = folder / controlnet.name.replace("controlnet", "lora")
                energy = lora_files.extract_lora(controlnet, params.controlnet, rank, path)
                print(f"{controlnet.name}: LoRA of rank {rank} keeps {energy:.1%} of the squared change of the weights")
    print(out)
