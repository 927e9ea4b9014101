"""The ``s2i`` command: the trained model, and captions made elsewhere, from the command line."""

import argparse
import sys
from collections import Counter
from pathlib import Path

from s2i import params as parameters
from s2i.errors import UserError
from s2i.files import whole_folder

TRAINED = Path("models/trained")


def main(arguments: list[str] | None = None) -> None:
    """Run one of the ``s2i`` commands; a UserError ends the program with its sentence."""
    parser = argparse.ArgumentParser(prog="s2i", description="Photos from sketches.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    generate = commands.add_parser("generate", help="draw photos from your own sketches with the trained model")
    generate.add_argument("sketches", nargs="+", type=Path, metavar="SKETCH", help="dark strokes on light paper")
    generate.add_argument("--prompt", default="", help='for instance "house of red made of brick"')
    generate.add_argument("--out", type=Path, default=Path("drawn"), help="folder for the pictures (default: drawn)")
    generate.add_argument("--seed", type=int, default=0, help="another seed, another picture (default: 0)")
    generate.add_argument("--model", type=Path, default=TRAINED, help=f"default: {TRAINED}")
    generate.set_defaults(run=draw_sketches)

    captions = commands.add_parser("captions", help="compare captions by model and prompt")
    captions.add_argument("file", type=Path, metavar="FILE.csv", help="columns image, label, prompt, answer[, model]")
    captions.add_argument("--out", type=Path, default=Path("captions"), help="folder for table and plot")
    captions.set_defaults(run=compare_captions)

    export = commands.add_parser("export", help="write LoRA files of a trained model for other programs")
    export.add_argument("--rank", type=int, default=64, help="of the LoRA cut out of a ControlNet (default: 64)")
    export.add_argument("--names", choices=["kohya", "diffusers"], default="kohya", help="in a UNet LoRA's file")
    export.add_argument("--model", type=Path, default=TRAINED, help=f"default: {TRAINED}")
    export.add_argument("--out", type=Path, default=Path("models/lora"), help="folder (default: models/lora)")
    export.set_defaults(run=export_lora)

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


def export_lora(rank: int, names: str, model: Path, out: Path) -> None:
    """Write the LoRA nearest to what training changed of each ControlNet, and the UNet's LoRA, where there is one.

    Prints how much of the change a ControlNet's LoRA keeps.
    """
    from s2i import base, exchange

    params = parameters.load()
    if rank < 1:
        raise UserError(f"--rank is {rank}; a LoRA has a rank of at least 1.")
    unet_lora = model / base.UNET_LORA
    has_controlnet = base.saved_controlnets(model, 1)[0].is_dir()
    with whole_folder(out) as folder:
        if unet_lora.is_dir():
            exchange.export_unet_lora(unet_lora, names, folder / base.UNET_LORA)
            print(f"{base.UNET_LORA}: as it was trained, under the names of {names}")
        for trained in _trained(model, params) if has_controlnet or not unet_lora.is_dir() else ():
            place = folder / trained.name.replace("controlnet", "lora")
            energy = exchange.cut_lora(trained, params.controlnet, rank, place)
            print(f"{trained.name}: LoRA of rank {rank} keeps {energy:.1%} of the squared change of the weights")
    print(out)


def import_checkpoint(file: Path, out: Path) -> None:
    """Turn a modified-LoRA checkpoint into a trained model, on the ControlNet that params.yaml names."""
    from s2i import exchange

    with whole_folder(out) as folder:
        rank = exchange.take_over(file, parameters.load().controlnet, folder)
    print(f"{out}: modified LoRA of rank {rank}; draw with `s2i generate SKETCH --model {out}`")


def write_report(against: str, out: Path, fail_on_worse: bool) -> None:
    """Write report.md and its pictures into ``out``, and print the verdict on every headline metric.

    Ends the program with status 1 when one is worse and ``fail_on_worse``.
    """
    from s2i import report

    verdicts = report.report(against, out, parameters.load().evaluate.level)
    headlines = [one for one in verdicts if one.is_headline]
    for one in headlines:
        print(f"{one.metric}: {one.old:.4g} -> {one.new:.4g}, {one.said}")
    print(out / "report.md")
    if fail_on_worse and (worse := [one.metric for one in headlines if one.said == "worse"]):
        raise UserError(f"worse than {against} by {', '.join(worse)}; see {out / 'report.md'}.")


def set_preset(name: str) -> None:
    """Write a preset into params.yaml, and print what changed."""
    from s2i import presets

    print(presets.apply(name, Path("params.yaml")) or f"params.yaml is as {name} wants it already.")


def _trained(model: Path, params: parameters.Params) -> list[Path]:
    """The ControlNets of a trained model, one for each condition; raises UserError when they are not there."""
    from s2i import base

    *wanted, beyond = base.saved_controlnets(model, len(params.conditions) + 1)
    if not wanted[0].is_dir():
        raise UserError(f"{model} holds no trained model: run `dvc repro` first, or name its folder with --model.")
    if beyond.is_dir() or not wanted[-1].is_dir():
        raise UserError(
            f"{model} was trained with {'more' if beyond.is_dir() else 'fewer'} conditions than params.yaml names: "
            "set conditions to those of its training."
        )
    return wanted


def compare_captions(file: Path, out: Path) -> None:
    """Print what of the captions in ``file`` differs by prompt; write it to ``out`` as captions.csv and captions.png.

    Raises UserError when the file is no table of captions.
    """
    from s2i.metrics import captions

    compared = captions.compare(captions.read(file))
    out.mkdir(parents=True, exist_ok=True)
    compared.to_csv(out / "captions.csv", index=False)
    captions.plot(compared, out / "captions.png")
    print(compared.to_string(index=False, float_format="{:.3f}".format))


def draw_sketches(sketches: list[Path], prompt: str, out: Path, seed: int, model: Path) -> None:
    """Write a picture of every sketch into ``out``, under the sketch's name, with the base that params.yaml names.

    Raises UserError when a sketch is no picture, or the model is not there.
    """
    from s2i import base, devices, images, sampling
    from s2i.controls import control_images

    params = parameters.load()
    controlnets = _trained(model, params)
    names = Counter(sketch.stem for sketch in sketches)
    if twice := [name for name, count in names.items() if count > 1]:
        raise UserError(f"two sketches are named '{twice[0]}', and so would be their pictures; rename one.")
    controls = [control_images(images.grey(_read(sketch, params)), params.conditions, prompt) for sketch in sketches]
    device, precision = devices.pick(params.device, params.precision)
    dtype = devices.DTYPES[precision]
    controlnet = base.load_controlnet(*controlnets, dtype=dtype)
    pipeline = base.load(params.base, controlnet, dtype).to(device)
    pictures = sampling.draw(
        pipeline,
        [prompt] * len(sketches),
        [seed] * len(sketches),
        controls=controls,
        resolution=params.resolution,
        **params.generate.model_dump(exclude={"prompts", "unprompted"}),
    )
    for sketch, picture in zip(sketches, pictures, strict=True):
        images.write_png(out / f"{sketch.stem}.png", picture)
        print(out / f"{sketch.stem}.png")


def _read(sketch: Path, params: parameters.Params):
    from s2i import images

    try:
        return images.resize_and_crop(images.read_photo(sketch, params.ingest.max_megapixels), params.resolution)
    except images.Unreadable as error:
        raise UserError(f"{sketch} cannot be read: {error.reason} {error.detail}; give a picture file.") from None
