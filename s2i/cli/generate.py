"""`s2i generate`: images of sketches in files and folders."""

import sys
from argparse import Namespace
from collections import Counter
from collections.abc import Container, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import NamedTuple, get_args

import numpy as np

from s2i.cli.options import Subparsers, add_model_options, writable
from s2i.core import params_file
from s2i.core.errors import UserError
from s2i.core.params import Generate, Params, Scheduler
from s2i.generation import find_model
from s2i.vocabulary import prompt_limits, prompts
from s2i.vocabulary.attributes import MAIN_PARTS

SCALES = {
    "guidance_scale": "how far images are led towards the prompt",
    "control_guidance_scale": "how far images are led towards the sketch; the same as --guidance-scale costs no more",
    "conditioning_scale": "how much the sketch counts in every prediction",
}
SETTINGS = ("steps", "scheduler", "negative_prompt", *SCALES)


class Job(NamedTuple):
    """An image to generate: the file that it goes to, the sketch as `user_sketch.read` gives it, and the seed."""

    target: Path
    sketch: np.ndarray
    seed: int


def add_to(subparsers: Subparsers) -> None:
    """Add the command to those of `s2i`."""
    parser = subparsers.add_parser("generate", help="draw photos from your own sketches with the trained model")
    parser.add_argument("sketches", nargs="+", type=Path, metavar="SKETCH", help="image files, or folders of them")
    parser.add_argument("--prompt", help='for instance "house of red made of brick"')
    for part in MAIN_PARTS:
        parser.add_argument(f"--{part}", help="in the place of a prompt")
    parser.add_argument("--out", type=Path, default=Path("drawn"), help="folder for the images (default: drawn)")
    parser.add_argument("--seed", type=int, default=0, help="another seed, another image (default: 0)")
    parser.add_argument("--images", type=int, default=1, help="of each sketch, from that seed on (default: 1)")
    add_model_options(parser)
    settings = parser.add_argument_group("in the place of what params.yaml says under generate")
    settings.add_argument("--steps", type=int)
    *names, last_name = get_args(Scheduler)
    settings.add_argument("--scheduler", help=f"{', '.join(names)} or {last_name}")
    settings.add_argument("--negative-prompt", help="what images are led away from by guidance")
    for name, description in SCALES.items():
        settings.add_argument(f"--{name.replace('_', '-')}", type=float, help=description)
    parser.set_defaults(run=run)


def run(arguments: Namespace) -> None:
    """Write images of every sketch into --out under the sketch's name, and print where.

    With several sketches, those that cannot be drawn are named on the way and at the end.
    Raises UserError when an option is wrong, or a sketch cannot be drawn.
    """
    prompt = prompt_limits.checked(_prompt(arguments))
    writable(arguments.out)
    seeds = _seeds(arguments.seed, arguments.images)
    trained = find_model.find(arguments.model)
    settings = _settings(arguments, trained.params)
    sketches = _sketches(arguments.sketches, arguments.out)
    _check_that_no_sketch_is_overwritten(sketches, seeds)

    from s2i.generation.model import SketchToImage, save  # torch and diffusers take seconds to import

    model = SketchToImage(trained, arguments.tiny_decoder, arguments.compile, arguments.engine)
    if warning := prompt_limits.warning(prompt, settings.negative_prompt, model.pipeline.tokenizer):
        print(f"s2i generate: {warning}", file=sys.stderr)
    refused: list[str] = []
    jobs = _jobs(sketches, seeds, trained.params, refused)
    while batch := list(islice(jobs, settings.batch_size)):
        batch_seeds = [job.seed for job in batch]
        batch_sketches = [job.sketch for job in batch]
        *_, last_step = model.denoise(batch_sketches, prompt, batch_seeds, settings)
        images = model.images(last_step, batch_sketches, prompt, batch_seeds, settings)
        for job, image in zip(batch, images, strict=True):
            save(image, job.target)
            print(job.target, flush=True)
    if refused:
        count = f" ({len(refused)} of {len(sketches)} sketches could not be drawn)" if len(sketches) > 1 else ""
        raise UserError(refused[0] + count)


def _prompt(arguments: Namespace) -> str:
    parts = {part: getattr(arguments, part) for part in MAIN_PARTS if getattr(arguments, part)}
    if arguments.prompt is not None and parts:
        raise UserError(f"--prompt says all there is to say: leave out --{next(iter(parts))}, or --prompt.")
    return prompts.plain(parts) if parts else arguments.prompt or ""


def _seeds(first: int, count: int) -> range:
    if count < 1:
        raise UserError(f"--images is {count}; draw at least 1.")
    if not 0 <= first < 2**31:
        raise UserError(f"--seed is {first}; take one from 0 to {2**31 - 1}.")
    return range(first, first + count)


def _settings(arguments: Namespace, params: Params) -> Generate:
    """Those of the parameters, changed by the options that were given."""
    changes = {name: getattr(arguments, name) for name in SETTINGS if getattr(arguments, name) is not None}
    if "negative_prompt" in changes:
        changes["negative_prompt"] = prompt_limits.checked(changes["negative_prompt"], "negative prompt")
    return params_file.changed(params.generate, changes)


def _sketches(paths: Sequence[Path], out: Path) -> dict[Path, Path]:
    """The sketch file of each image to write; raises UserError where two images would be one file."""
    from s2i.imaging import io

    targets = []
    for path in paths:
        if not path.is_dir():
            targets.append((out / f"{path.stem}.png", path))
            continue
        files = sorted(file for file in path.rglob("*") if _is_sketch(file.relative_to(path), io.readable()))
        if not files:
            raise UserError(f"{path} holds no sketches: put image files into it.")
        targets += [(out / file.relative_to(path).with_suffix(".png"), file) for file in files]
    counts = Counter(target for target, _ in targets)
    if repeated := [target for target, count in counts.items() if count > 1]:
        raise UserError(f"two sketches are named '{repeated[0].stem}', and so would be their images; rename one.")
    return dict(targets)


def _is_sketch(file: Path, suffixes: Container[str]) -> bool:
    """Whether a file of a folder is one by its name; hidden ones, as a Mac puts beside others, are none."""
    return file.suffix.lower() in suffixes and not any(part.startswith(".") for part in file.parts)


def _check_that_no_sketch_is_overwritten(sketches: Mapping[Path, Path], seeds: range) -> None:
    sources = {sketch.resolve() for sketch in sketches.values()}
    for target in sketches:
        for image in _image_files(target, seeds):
            if image.resolve() in sources:
                raise UserError(f"the image {image} would take the place of a sketch: name another folder with --out.")


def _jobs(sketches: Mapping[Path, Path], seeds: range, params: Params, refused: list[str]) -> Iterator[Job]:
    """The jobs of all sketches, each straightened; what is wrong with a sketch is appended to ``refused``."""
    from s2i.generation import user_sketch

    for target, path in sketches.items():
        try:
            sketch = user_sketch.read(path, params, params.ingest.max_megapixels)
        except UserError as error:
            refused.append(str(error))
            if len(sketches) > 1:
                print(f"s2i generate: {error}", file=sys.stderr)
            continue
        for image, seed in zip(_image_files(target, seeds), seeds, strict=True):
            yield Job(image, sketch, seed)


def _image_files(target: Path, seeds: range) -> list[Path]:
    """The file of a sketch's image, or with several seeds a file for each, named by its seed."""
    return [target] if len(seeds) == 1 else [target.with_stem(f"{target.stem}-{seed}") for seed in seeds]
