"""Training examples from photos: sketches on varied paper, prompts in varied words, some of them mirrored."""

import re
from collections.abc import Collection, Iterator, Sequence
from functools import partial
from itertools import chain
from pathlib import Path

import numpy as np

from s2i.core import cache
from s2i.core.parallel import fan_out
from s2i.core.params import Augment, Workers
from s2i.dataset.augmentation import paper
from s2i.imaging import io, material_maps
from s2i.vocabulary import prompts

OWN_WORDS = ("caption", "vlm")  # who does not keep to the grammar


def augment(
    records: Collection[dict], folder: Path, seed: int, params: Augment, conditions: Sequence[str], workers: Workers
) -> Iterator[dict]:
    """One record an example, with `variant`, `sketch`, `sketch_style`, `flip` and `prompt`.

    A training photo gives params.variants examples, each drawn from (seed, id, variant) alone; a held-out one gives
    its sketches as they are with its plain caption.  New sketches are written to folder/sketches, not mirrored:
    `flip` says that photo and sketch are to be mirrored together.  Where "material" is among the conditions a training
    example has a `material_map` from its photo's matte, colour and material; held-out ones do without, as in use.
    """
    expand = partial(_examples, folder=folder, seed=seed, params=params, with_map="material" in conditions)
    return chain.from_iterable(fan_out(expand, records, "augmenting", workers))


def _examples(record: dict, folder: Path, seed: int, params: Augment, with_map: bool) -> list[dict]:
    if record["split"] == "train":
        if with_map:
            record = record | {"material_map": str(_material_map(record, folder))}
        hashes = {style: cache.file_hash(sketch) for style, sketch in record["sketches"].items()}
        return [_varied(record, hashes, variant, folder, seed, params) for variant in range(params.variants)]
    return [
        record | {"variant": k, "sketch": sketch, "sketch_style": style, "flip": False, "prompt": record["caption"]}
        for k, (style, sketch) in enumerate(sorted(record["sketches"].items()))
    ]


def _varied(record: dict, hashes: dict, variant: int, folder: Path, seed: int, params: Augment) -> dict:
    rng = np.random.default_rng(int(cache.fingerprint(seed, record["id"], variant), 16))
    style = str(rng.choice(sorted(record["sketches"])))
    flip = bool(rng.random() < params.flip) and not _tells_sides(record)
    prompt = _prompt(record, flip, rng, params)
    sketch, target = record["sketches"][style], folder / "sketches" / f"{record['id']}-{variant}.png"
    paper_seed = int(rng.integers(1 << 62)) if rng.random() < params.paper else None

    def draw(draft: Path) -> None:
        drawn = io.read_grey(Path(sketch))
        if paper_seed is not None:
            drawn = paper.vary(drawn, np.random.default_rng(paper_seed))
        io.write_png(draft, drawn)

    cache.produce(target, draw, "vary", cache.code(paper.__name__), hashes[style], paper_seed)
    return record | {"variant": variant, "sketch": str(target), "sketch_style": style, "flip": flip, "prompt": prompt}


def _material_map(record: dict, folder: Path) -> Path:
    target = folder / "materials" / f"{record['id']}.png"
    words = [_words(record).get(part) for part in ("color", "material")]

    def draw(draft: Path) -> None:
        io.write_png(draft, material_maps.material_map(io.read_grey(record["matte"]), *words))

    cache.produce(
        target, draw, "material", cache.code(material_maps.__name__), cache.file_hash(record["matte"]), *words
    )
    return target


def _words(record: dict) -> dict[str, str]:
    """What is described, less trusted than a caption in words of its own where it was read off the photo."""
    if record["captioned_by"] not in OWN_WORDS:
        return record["described"]
    given = {part: word for part, word in record["described"].items() if record["described_by"][part] == "columns"}
    return record["described"] | prompts.colors_and_materials_in(record["caption"]) | given


def _tells_sides(record: dict) -> bool:
    """Whether a caption in words of its own would be wrong of the mirrored photo."""
    return record["captioned_by"] in OWN_WORDS and bool(re.search(r"\b(left|right)\b", record["caption"], re.I))


def _prompt(record: dict, flip: bool, rng: np.random.Generator, params: Augment) -> str:
    """Other words for the same parts; a caption that came with the photo is kept, or emptied at the same rate."""
    if record["captioned_by"] in (*OWN_WORDS, "none", "empty"):
        return "" if rng.random() < params.empty_prompt else record["caption"]
    parts = prompts.mirrored(record["described"]) if flip else record["described"]
    return prompts.randomised(parts, rng, params.empty_prompt, params.drop_part, params.synonym)
