"""The ``s2i`` command: the trained model, and captions made elsewhere, from the command line."""

import argparse
import sys
from collections import Counter
from pathlib import Path

from s2i import params as parameters
from s2i.errors import UserError


def main(arguments: list[str] | None = None) -> None:
    """Run ``s2i generate`` or ``s2i captions``; a UserError ends the program with its sentence."""
    parser = argparse.ArgumentParser(prog="s2i", description="Photos from sketches.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    generate = commands.add_parser("generate", help="draw photos from your own sketches with the trained model")
    generate.add_argument("sketches", nargs="+", type=Path, metavar="SKETCH", help="dark strokes on light paper")
    generate.add_argument("--prompt", default="", help='for instance "house of red made of brick"')
    generate.add_argument("--out", type=Path, default=Path("drawn"), help="folder for the pictures (default: drawn)")
    generate.add_argument("--seed", type=int, default=0, help="another seed, another picture (default: 0)")
    generate.add_argument("--model", type=Path, default=Path("models/trained"), help="default: models/trained")
    captions = commands.add_parser("captions", help="compare captions by model and prompt")
    captions.add_argument("file", type=Path, metavar="FILE.csv", help="columns image, label, prompt, answer[, model]")
    captions.add_argument("--out", type=Path, default=Path("captions"), help="folder for table and plot")
    chosen = parser.parse_args(arguments)
    try:
        if chosen.command == "captions":
            compare_captions(chosen.file, chosen.out)
        else:
            draw_sketches(chosen.sketches, chosen.prompt, chosen.out, chosen.seed, chosen.model)
    except UserError as error:
        sys.exit(f"s2i {chosen.command}: {error}")


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
    if not (model / "controlnet").is_dir():
        raise UserError(f"{model} holds no trained model: run `dvc repro` first, or name its folder with --model.")
    names = Counter(sketch.stem for sketch in sketches)
    if twice := [name for name, count in names.items() if count > 1]:
        raise UserError(f"two sketches are named '{twice[0]}', and so would be their pictures; rename one.")
    controls = [control_images(images.grey(_read(sketch, params)), params.conditions, prompt) for sketch in sketches]
    device, precision = devices.pick(params.device, params.precision)
    dtype = devices.DTYPES[precision]
    controlnet = base.load_controlnet(*base.saved_controlnets(model, len(params.conditions)), dtype=dtype)
    pipeline = base.load(params.base, controlnet, dtype).to(device)
    pictures = sampling.draw(
        pipeline,
        [prompt] * len(sketches),
        [seed] * len(sketches),
        controls=controls,
        resolution=params.resolution,
        **params.generate.model_dump(),
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
