"""A small Sketchy database of rendered buildings.  -> data/sketchy/database

In the layout of Sangkloy et al. 2016: a class is a kind of building, each photo has several sketches, which differ in
their strokes.  No building of it is among those that the embedded base was trained on.
"""

import argparse
from collections.abc import Iterator
from itertools import count, islice
from pathlib import Path

from joblib import Parallel, delayed
from tqdm import tqdm

from s2i.core.files import whole_folder
from s2i.embedded.rendering.grammar import STRUCTURES, Building, sample_building
from s2i.embedded.rendering.line_drawing import line_drawing
from s2i.embedded.rendering.render import render
from s2i.imaging import io

FIRST_SEED = 5_000_000
TREE = "256x256/{kind}/tx_000000000000/{label}/{name}"


def buildings(structure: str) -> Iterator[Building]:
    """Buildings of a kind, without end, the same whenever it is asked."""
    return (one for one in map(sample_building, count(FIRST_SEED)) if one.structure == structure)


def write(building: Building, folder: Path, sketches: int, size: int, samples: int) -> None:
    """Render one photo and draw its sketches."""
    rendering = render(building, size, samples)
    label = building.structure.replace(" ", "_")
    images = {TREE.format(kind="photo", label=label, name=f"{building.seed}.png"): rendering.image}
    for number in range(1, sketches + 1):
        name = TREE.format(kind="sketch", label=label, name=f"{building.seed}-{number}.png")
        images[name] = line_drawing(rendering, building.seed + number)
    for name, image in images.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        io.write_png(folder / name, image)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("target", type=Path)
    parser.add_argument("--photos", type=int, default=16, help="of each class")
    parser.add_argument("--sketches", type=int, default=3, help="of each photo")
    parser.add_argument("--size", type=int, default=128, help="pixels")
    parser.add_argument("--samples", type=int, default=16, help="of the path tracer, a pixel")
    given = parser.parse_args()
    wanted = [one for structure in STRUCTURES for one in islice(buildings(structure), given.photos)]
    with whole_folder(given.target) as folder:
        jobs = (delayed(write)(one, folder, given.sketches, given.size, given.samples) for one in wanted)
        done = Parallel(n_jobs=-1, return_as="generator_unordered")(jobs)
        for _ in tqdm(done, desc="rendering", total=len(wanted), unit="photo"):
            pass


if __name__ == "__main__":
    main()
