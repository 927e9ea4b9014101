"""Training examples from photos: sketches on varied paper, prompts in varied words, some of them mirrored."""

import re
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import chain
from pathlib import Path

import numpy as np

from s2i.core import cache
from s2i.core.parallel import fan_out
from s2i.core.params import Augment, Workers
from s2i.dataset.augmentation import crops, paper
from s2i.dataset.augmentation.crops import Box
from s2i.imaging import io, material_maps
from s2i.vocabulary import prompts

FREELY_WORDED = ("caption", "vlm")  # by these, a caption does not keep to the grammar


def augment(
    records: Collection[dict], folder: Path, seed: int, params: Augment, conditions: Sequence[str], workers: Workers
) -> Iterator[dict]:
    """One record an example, with `variant`, `sketch`, `sketch_style`, `flip` and `prompt`.

    A training photo gives params.variants examples, each depending on (seed, id, variant) alone, of params.crops parts
    of it in turn, the first of which is the whole; photos and mattes of the others are written too.  A held-out one
    gives its sketches as they are with its plain caption.  New sketches are written to folder/sketches, not mirrored:
    `flip` says that photo and sketch are to be mirrored together.  Where "material" is among the conditions a training
    example has a `material_map` from its photo's matte, colour and material; held-out ones do without, as in use.
    """
    expand = partial(_examples, folder=folder, seed=seed, params=params, with_map="material" in conditions)
    return chain.from_iterable(fan_out(expand, records, "augmenting", workers))


def _examples(record: dict, folder: Path, seed: int, params: Augment, with_map: bool) -> list[dict]:
    """The examples of one photo."""
    if record["split"] == "train":
        chosen = crops.boxes(seed, record["id"], min(params.crops, params.variants), params.zoom)
        parts = [_part(record, number, box, folder, with_map) for number, box in enumerate(chosen)]
        hashes = {style: cache.file_hash(sketch) for style, sketch in record["sketches"].items()}
        makers = [
            ExampleMaker(part, box, hashes, folder, seed, params) for part, box in zip(parts, chosen, strict=True)
        ]
        return [makers[variant % len(makers)].example(variant) for variant in range(params.variants)]
    return [
        record
        | {"variant": variant, "sketch": sketch, "sketch_style": style, "flip": False, "prompt": record["caption"]}
        for variant, (style, sketch) in enumerate(sorted(record["sketches"].items()))
    ]


def _part(record: dict, number: int, box: Box, folder: Path, with_map: bool) -> dict:
    """The record of a part of a photo: photo, matte and, ``with_map``, material map cut out; number: of the part."""
    if box != crops.WHOLE:
        for kind, read in (("photo", io.read), ("matte", io.read_grey)):
            if kind in record:
                file, target = Path(record[kind]), folder / f"{kind}s" / f"{record['id']}-{number}.png"
                write_part = partial(_write_part, file=file, read=read, box=box)
                cache.produce(target, write_part, "crop", cache.code(crops.__name__), cache.file_hash(file), box)
                record = record | {kind: str(target)}
    if with_map:
        record = record | {"material_map": str(_material_map(record, number, folder))}
    return record


def _write_part(draft: Path, file: Path, read: Callable[[Path], np.ndarray], box: Box) -> None:
    io.write_png(draft, crops.cut(read(file), box))


@dataclass(frozen=True)
class ExampleMaker:
    """Makes examples of a part of a photo.

    record: that of the part.  box: which part its sketches are cut to.  hashes: of the photo's sketches, by style.
    """

    record: dict
    box: Box
    hashes: dict[str, str]
    folder: Path
    seed: int
    params: Augment

    def example(self, variant: int) -> dict:
        """One example, its sketch written."""
        record, params = self.record, self.params
        rng = np.random.default_rng(int(cache.fingerprint(self.seed, record["id"], variant), 16))
        style = str(rng.choice(sorted(record["sketches"])))
        flip = bool(rng.random() < params.flip) and not _tells_left_from_right(record)
        prompt = _prompt(record, flip, rng, params)
        sketch, target = record["sketches"][style], self.folder / "sketches" / f"{record['id']}-{variant}.png"
        paper_seed = int(rng.integers(1 << 62)) if rng.random() < params.paper else None

        def write_varied(draft: Path) -> None:
            image = crops.cut(io.read_grey(Path(sketch)), self.box)
            if paper_seed is not None:
                image = paper.vary(image, np.random.default_rng(paper_seed))
            io.write_png(draft, image)

        code = cache.code(paper.__name__), cache.code(crops.__name__)
        cache.produce(target, write_varied, "vary", code, self.hashes[style], paper_seed, self.box)
        return record | {
            "variant": variant,
            "sketch": str(target),
            "sketch_style": style,
            "flip": flip,
            "prompt": prompt,
        }


def _material_map(record: dict, number: int, folder: Path) -> Path:
    """Write the material map of a part of a photo; returns where."""
    target, matte = folder / "materials" / f"{record['id']}-{number}.png", Path(record["matte"])
    words = _described_words(record)
    color, material = words.get("color"), words.get("material")

    def write_map(draft: Path) -> None:
        io.write_png(draft, material_maps.material_map(io.read_grey(matte), color, material))

    key = cache.code(material_maps.__name__), cache.file_hash(matte), color, material
    cache.produce(target, write_map, "material", *key)
    return target


def _described_words(record: dict) -> dict[str, str]:
    """{part: word} of what is described; what was read off the photo is trusted less than a freely worded caption."""
    if record["captioned_by"] not in FREELY_WORDED:
        return record["described"]
    given = {part: word for part, word in record["described"].items() if record["described_by"][part] == "columns"}
    return record["described"] | prompts.colors_and_materials_in(record["caption"]) | given


def _tells_left_from_right(record: dict) -> bool:
    """Whether a freely worded caption would be wrong of the mirrored photo."""
    return record["captioned_by"] in FREELY_WORDED and bool(re.search(r"\b(left|right)\b", record["caption"], re.I))


def _prompt(record: dict, flip: bool, rng: np.random.Generator, params: Augment) -> str:
    """Other words for the same parts; a caption that came with the photo is kept."""
    if record["captioned_by"] in (*FREELY_WORDED, "none"):
        return record["caption"]
    parts = prompts.mirrored(record["described"]) if flip else record["described"]
    return prompts.randomised(parts, rng, 0.0, params.drop_part, params.synonym)
