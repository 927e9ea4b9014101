"""`s2i generate`: images of sketches in files and folders."""

import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path

from s2i.core import params_file
from s2i.core.errors import UserError
from s2i.core.params import Params
from s2i.generation import engines, find_model
from s2i.vocabulary import prompt_limits, prompts


def add_to(commands) -> None:
    """Add the command to the subparsers of `s2i`."""
    generate = commands.add_parser("generate", help="draw photos from your own sketches with the trained model")
    generate.add_argument("sketches", nargs="+", type=Path, metavar="SKETCH", help="image files, or folders of them")
    generate.add_argument("--prompt", help='for instance "house of red made of brick"')
    for part in ("color", "structure", "material"):
        generate.add_argument(f"--{part}", help="in the place of a prompt")
    generate.add_argument("--out", type=Path, default=Path("drawn"), help="folder for the images (default: drawn)")
    generate.add_argument("--seed", type=int, default=0, help="another seed, another image (default: 0)")
    generate.add_argument("--images", type=int, default=1, help="of each sketch, from that seed on (default: 1)")
    add_model(generate)
    settings = generate.add_argument_group("in the place of what params.yaml says under generate")
    settings.add_argument("--steps", type=int)
    settings.add_argument("--scheduler", help="ddim, dpm-solver++, unipc, euler or lcm")
    settings.add_argument("--guidance-scale", type=float, help="how much the words count; 1 is fastest")
    settings.add_argument("--conditioning-scale", type=float, help="how much the sketch counts")
    generate.set_defaults(run=run)


def add_model(command) -> None:
    """Add the options of which model draws, and how it computes."""
    command.add_argument(
        "--model", default=str(find_model.FOLDER), help=f"folder, experiment or hub id (default: {find_model.FOLDER})"
    )
    command.add_argument("--tiny-decoder", metavar="FOLDER", help="an AutoencoderTiny, faster than the full decoder")
    command.add_argument("--compile", action="store_true", help="torch.compile: minutes at first, then faster")
    command.add_argument(
        "--engine",
        choices=engines.ENGINES,
        default="torch",
        help="openvino is faster on a CPU, openvino-int8 faster still, after minutes at first (default: torch)",
    )


def run(
    sketches: Sequence[Path],
    prompt: str | None,
    color: str | None,
    structure: str | None,
    material: str | None,
    out: Path,
    seed: int,
    images: int,
    model: str,
    tiny_decoder: str | None,
    compile: bool,
    engine: str,
    **changes,
) -> None:
    """Write images of every sketch into ``out`` under the sketch's name, and print where.

    What cannot be drawn among several is named on the way and at the end.  Raises UserError for what is wrong.
    """
    prompt = prompt_limits.checked(_prompt(prompt, {"color": color, "structure": structure, "material": material}))
    if images < 1:
        raise UserError(f"--images is {images}; draw at least 1.")
    if not 0 <= seed < 2**31:
        raise UserError(f"--seed is {seed}; take one from 0 to {2**31 - 1}.")
    found = find_model.find(model)
    params = found.params
    settings = params_file.changed(params.generate, {key: one for key, one in changes.items() if one is not None})
    seeds, targets = range(seed, seed + images), dict(_targets(sketches, out))
    sources = {place.resolve() for place in targets.values()}
    for target in targets:
        for name in _names(target, seeds):
            if name.resolve() in sources:
                raise UserError(f"the image {name} would take the place of a sketch: name another folder with --out.")

    from s2i.generation.model import (
        SketchToImage,  # torch and diffusers take seconds to import
        save,
    )

    artist = SketchToImage(found, tiny_decoder, compile, engine)
    if warning := prompt_limits.warning(prompt, artist.pipeline.tokenizer):
        print(f"s2i generate: {warning}", file=sys.stderr)
    refused = []
    jobs = _jobs(targets, seeds, params, refused)
    while batch := list(islice(jobs, settings.batch_size)):
        names, shown, with_seeds = zip(*batch, strict=True)
        *_, last = artist.steps(shown, prompt, with_seeds, settings)
        for name, one in zip(names, artist.drawings(last, prompt, with_seeds, settings), strict=True):
            save(one, name)
            print(name, flush=True)
    if refused:
        more = f" ({len(refused)} of {len(targets)} sketches could not be drawn)" if len(targets) > 1 else ""
        raise UserError(refused[0] + more)


def _jobs(targets: Mapping[Path, Path], seeds: range, params: Params, refused: list[str]) -> Iterator[tuple]:
    """Where an image goes, the sketch straightened, and the seed; what is wrong with other sketches, into refused."""
    from s2i.generation import user_sketch

    cut = params.matte.background, params.matte.model
    for target, place in targets.items():
        try:
            sketch = user_sketch.read(place, params.resolution, params.ingest.max_megapixels, *cut)
        except UserError as error:
            refused.append(str(error))
            if len(targets) > 1:
                print(f"s2i generate: {error}", file=sys.stderr)
            continue
        for name, seed in zip(_names(target, seeds), seeds, strict=True):
            yield name, sketch, seed


def _names(target: Path, seeds: range) -> list[Path]:
    return [target] if len(seeds) == 1 else [target.with_stem(f"{target.stem}-{seed}") for seed in seeds]


def _prompt(prompt: str | None, parts: dict[str, str | None]) -> str:
    said = {part: word for part, word in parts.items() if word}
    if prompt is not None and said:
        raise UserError(f"--prompt says all there is to say: leave out --{next(iter(said))}, or --prompt.")
    return prompts.plain(said) if said else prompt or ""


def _targets(sketches: Sequence[Path], out: Path) -> Iterator[tuple[Path, Path]]:
    """Where the image of each sketch goes, and the sketch; raises UserError where two would go to one place."""
    from s2i.imaging import io

    found = []
    for place in sketches:
        if not place.is_dir():
            found.append((out / f"{place.stem}.png", place))
            continue
        files = sorted(file for file in place.rglob("*") if file.suffix.lower() in io.readable())
        if not files:
            raise UserError(f"{place} holds no sketches: put image files into it.")
        found += [(out / file.relative_to(place).with_suffix(".png"), file) for file in files]
    names = Counter(target for target, _ in found)
    if twice := [target for target, count in names.items() if count > 1]:
        raise UserError(f"two sketches are named '{twice[0].stem}', and so would be their images; rename one.")
    yield from found
