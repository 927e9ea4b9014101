"""A small Sketchy database of rendered buildings.

In the layout of Sangkloy et al. 2016: a class is a kind of building, each photo has several sketches, which differ in
their strokes.  No building of it is among those that the embedded base was trained on.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count, islice
from pathlib import Path

from joblib import Parallel, delayed
from tqdm import tqdm

from s2i.embedded.rendering.grammar import STRUCTURES, Building, sample_building
from s2i.embedded.rendering.line_drawing import line_drawing
from s2i.embedded.rendering.render import render
from s2i.imaging import io

FIRST_SEED = 5_000_000
TREE = "256x256/{kind}/tx_000000000000/{label}/{name}"


@dataclass(frozen=True)
class DatabaseSize:
    """How much is rendered: photos of each class, sketches of each photo, pixels of a side, samples of each pixel."""

    photos: int = 16
    sketches: int = 3
    side: int = 128
    samples: int = 16


def write_database(folder: Path, size: DatabaseSize) -> None:
    """Render the database into a folder, with all cores; the files depend on the size alone."""
    buildings = [building for structure in STRUCTURES for building in islice(_buildings(structure), size.photos)]
    jobs = (delayed(_write_building)(building, folder, size) for building in buildings)
    done = Parallel(n_jobs=-1, return_as="generator_unordered")(jobs)
    for _ in tqdm(done, desc="rendering", total=len(buildings), unit="photo"):
        pass


def _buildings(structure: str) -> Iterator[Building]:
    """Buildings of a kind, without end, the same at every call."""
    return (building for building in map(sample_building, count(FIRST_SEED)) if building.structure == structure)


def _write_building(building: Building, folder: Path, size: DatabaseSize) -> None:
    """Render one photo and draw its sketches."""
    rendering = render(building, size.side, size.samples)
    label = building.structure.replace(" ", "_")
    images = {TREE.format(kind="photo", label=label, name=f"{building.seed}.png"): rendering.image}
    for number in range(1, size.sketches + 1):
        name = TREE.format(kind="sketch", label=label, name=f"{building.seed}-{number}.png")
        images[name] = line_drawing(rendering, building.seed + number)
    for name, image in images.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        io.write_png(folder / name, image)
