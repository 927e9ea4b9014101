"""`s2i export`: LoRA files of a trained model, a Hugging Face Space of it, or pairs for other trainers."""

from argparse import Namespace
from collections.abc import Collection
from pathlib import Path
from typing import cast

from s2i.cli.options import Subparsers, replaceable
from s2i.core import params_file
from s2i.core.errors import UserError
from s2i.core.output_folders import NEW_SPACE, whole_folder
from s2i.core.params import Params
from s2i.diffusion import model_folder
from s2i.generation import find_model

LAYOUTS = ("hf", "kohya", "simpletuner", "ai-toolkit", "webdataset")
DATA = Path("data/augmented")


def add_to(subparsers: Subparsers) -> None:
    """Add the command to those of `s2i`."""
    parser = subparsers.add_parser("export", help="write LoRA files, a Hugging Face Space, or pairs for other trainers")
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--space", action="store_true", help="a Space with the app and the model, ready to be pushed")
    what.add_argument("--pairs", choices=LAYOUTS, help="photos, sketches, mattes and prompts as that tool reads them")
    parser.add_argument("--data", type=Path, default=DATA, help=f"whose pairs, or data/captioned (default: {DATA})")
    parser.add_argument("--rank", type=int, default=64, help="of the LoRA cut out of a ControlNet (default: 64)")
    parser.add_argument("--names", choices=["kohya", "diffusers"], default="kohya", help="in a UNet LoRA's file")
    parser.add_argument("--model", type=Path, default=find_model.FOLDER, help=f"default: {find_model.FOLDER}")
    parser.add_argument("--out", type=Path, help="folder (default: models/lora, models/space or pairs/LAYOUT)")
    parser.set_defaults(run=run)


def run(arguments: Namespace) -> None:
    """Write LoRA files of a trained model, with --space a Space of it, or with --pairs what it learned from."""
    if arguments.pairs:
        export_pairs(arguments.data, arguments.pairs, arguments.out or Path("pairs") / arguments.pairs)
    elif arguments.space:
        export_space(arguments.model, arguments.out or Path("models/space"))
    else:
        export_lora(arguments.model, arguments.out or Path("models/lora"), arguments.rank, arguments.names)


def export_pairs(data: Path, layout: str, out: Path) -> None:
    """Write photos, sketches, mattes and prompts of the records in ``data`` into ``out``; prints how many."""
    from s2i.core.records import Records  # pyarrow and scipy take a second to import
    from s2i.dataset.pairs import export

    params: Params = params_file.load()
    replaceable(out)
    records = cast(Collection[dict], Records(data))  # all of a collection that is asked for: length and order
    summary = export.export_pairs(records, layout, out, params.train.background_weight, params.workers)
    print(f"{out}: {summary.splits.total()} pairs ({summary.unlicensed} not licensed), see README.md there")
    if layout == "simpletuner" and summary.without_prompt:
        print(f"{summary.without_prompt} pairs without a prompt were left out, as SimpleTuner takes none")


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
