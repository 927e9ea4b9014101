"""The ``s2i`` command: the trained model, and captions made elsewhere, from the command line."""

import argparse
import sys
from pathlib import Path

from s2i.cli import app, generate
from s2i.core import params_file
from s2i.core.errors import UserError
from s2i.core.files import whole_folder
from s2i.diffusion import model_folder
from s2i.generation import find_model


def main(arguments: list[str] | None = None) -> None:
    """Run one of the ``s2i`` commands; a UserError ends the program with its sentence."""
    parser = argparse.ArgumentParser(prog="s2i", description="Photos from sketches.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    for command in (generate, app):
        command.add_to(commands)

    captions = commands.add_parser("captions", help="compare captions by model and prompt")
    captions.add_argument("file", type=Path, metavar="FILE.csv", help="columns image, label, prompt, answer[, model]")
    captions.add_argument("--out", type=Path, default=Path("captions"), help="folder for table and plot")
    captions.set_defaults(run=compare_captions)

    export = commands.add_parser("export", help="write LoRA files of a trained model, or a Hugging Face Space of it")
    export.add_argument("--space", action="store_true", help="a Space with the app and the model, ready to be pushed")
    export.add_argument("--rank", type=int, default=64, help="of the LoRA cut out of a ControlNet (default: 64)")
    export.add_argument("--names", choices=["kohya", "diffusers"], default="kohya", help="in a UNet LoRA's file")
    export.add_argument("--model", type=Path, default=find_model.FOLDER, help=f"default: {find_model.FOLDER}")
    export.add_argument("--out", type=Path, help="folder (default: models/lora, or models/space)")
    export.set_defaults(run=export_model)

    take = commands.add_parser("import", help="take over a modified-LoRA checkpoint (.pth)")
    take.add_argument("file", type=Path, metavar="FILE.pth", help="state dict with original.weight, lora_A, lora_B")
    take.add_argument("--out", type=Path, default=Path("models/imported"), help="folder (default: models/imported)")
    take.set_defaults(run=import_checkpoint)

    report = commands.add_parser("report", help="say in Markdown whether this run is better than another one")
    report.add_argument("--against", required=True, metavar="REV", help="a Git revision or a DVC experiment")
    report.add_argument("--out", type=Path, default=Path("report"), help="folder for report.md (default: report)")
    report.add_argument("--fail-on-worse", action="store_true", help="exit with 1 when a headline metric is worse")
    report.set_defaults(run=write_report)

    preset = commands.add_parser("preset", help="set params.yaml up for sd15, sd15-8gb or demo")
    preset.add_argument("name", metavar="NAME")
    preset.set_defaults(run=set_preset)

    chosen = vars(parser.parse_args(arguments))
    command, run = chosen.pop("command"), chosen.pop("run")
    try:
        run(**chosen)
    except UserError as error:
        sys.exit(f"s2i {command}: {error}")


def export_model(space: bool, rank: int, names: str, model: Path, out: Path | None) -> None:
    """Write a trained model for others: its LoRA files, or with ``space`` a Hugging Face Space of it."""
    if not space:
        return export_lora(rank, names, model, out or Path("models/lora"))
    from s2i.app import space as spaces
    from s2i.app import suggestions

    out = _replaced(out or Path("models/space"))
    spaces.write(find_model.in_few_steps(find_model.find(model)), suggestions.of_records(), out)
    print(f"{out}: push it with `git` or `hf upload` to a Space of the kind gradio")


def _replaced(out: Path) -> Path:
    """The folder, which is going to be replaced as a whole; raises UserError when all work would go with it."""
    if Path.cwd().is_relative_to(out.resolve()):
        raise UserError(f"--out {out} holds the folder you are in, and would be replaced: name another.")
    return out


def export_lora(rank: int, names: str, model: Path, out: Path) -> None:
    """Write the LoRA nearest to what training changed of each ControlNet, and the UNet's LoRA, where there is one.

    Prints how much of the change a ControlNet's LoRA keeps.
    """
    from s2i.diffusion import lora_files

    params, out = params_file.load(), _replaced(out)
    if rank < 1:
        raise UserError(f"--rank is {rank}; a LoRA has a rank of at least 1.")
    unet_lora = model / model_folder.UNET_LORA
    wanted = model_folder.saved_controlnets(model, 1)[0].is_dir() or not unet_lora.is_dir()
    with whole_folder(out) as folder:
        if unet_lora.is_dir():
            lora_files.export_unet_lora(unet_lora, names, folder / model_folder.UNET_LORA)
            print(f"{model_folder.UNET_LORA}: as it was trained, under the names of {names}")
        for controlnet in model_folder.controlnets(model, params.conditions) if wanted else ():
            place = folder / controlnet.name.replace("controlnet", "lora")
            energy = lora_files.extract_lora(controlnet, params.controlnet, rank, place)
            print(f"{controlnet.name}: LoRA of rank {rank} keeps {energy:.1%} of the squared change of the weights")
    print(out)


def import_checkpoint(file: Path, out: Path) -> None:
    """Turn a modified-LoRA checkpoint into a trained model, on the ControlNet that params.yaml names."""
    from s2i.diffusion import lora_files

    with whole_folder(_replaced(out)) as folder:
        rank = lora_files.import_modified_lora(file, params_file.load().controlnet, folder)
    print(f"{out}: modified LoRA of rank {rank}; draw with `s2i generate SKETCH --model {out}`")


def write_report(against: str, out: Path, fail_on_worse: bool) -> None:
    """Write report.md and its images into ``out``, and print the verdict on every headline metric.

    Ends the program with status 1 when one is worse and ``fail_on_worse``.
    """
    from s2i.evaluation.report import markdown

    verdicts = markdown.report(against, out, params_file.load().evaluate.level)
    headlines = [one for one in verdicts if one.is_headline]
    for one in headlines:
        print(f"{one.metric}: {one.old:.4g} -> {one.new:.4g}, {one.said}")
    print(out / "report.md")
    if fail_on_worse and (worse := [one.metric for one in headlines if one.said == "worse"]):
        raise UserError(f"worse than {against} by {', '.join(worse)}; see {out / 'report.md'}.")


def set_preset(name: str) -> None:
    """Write a preset into params.yaml, and print what changed."""
    from s2i.cli import presets

    print(presets.apply(name, Path("params.yaml")) or f"params.yaml is as {name} wants it already.")


def compare_captions(file: Path, out: Path) -> None:
    """Print what of the captions in ``file`` differs by prompt; write it to ``out`` as captions.csv and captions.png.

    Raises UserError when the file is no table of captions.
    """
    from s2i.dataset.survey import caption_table

    compared = caption_table.compare(caption_table.read(file))
    out.mkdir(parents=True, exist_ok=True)
    compared.to_csv(out / "captions.csv", index=False)
    caption_table.plot(compared, out / "captions.png")
    print(compared.to_string(index=False, float_format="{:.3f}".format))
