"""Writes a corpus: images, drawings and truth as files, one row of photos.csv each."""

import csv
from io import StringIO
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from joblib import Parallel, delayed
from tqdm import tqdm

from s2i.core import cache
from s2i.core.files import whole_file
from s2i.embedded.rendering.grammar import Building, sample_building
from s2i.embedded.rendering.line_drawing import line_drawing
from s2i.embedded.rendering.render import Rendering, render

COLUMNS = (
    *("file", "sketch", "licence", "source_url", "author", "label", "structure", "color", "material", "style", "view"),
    *("roof", "curved", "glass", "windows", "balconies", "description", "labels", "matte", "depth", "normals", "seed"),
)
TRUTHS = ("labels", "matte", "depth", "normals")
FARTHEST = 80.0  # metres that the 8-bit depth map reaches; 255 is this far or sky


def write_corpus(
    folder: str | Path, count: int, first_seed: int, size: int, samples: int, truth: bool, workers: int = 2
) -> None:
    """Renders the buildings of `count` seeds into `folder`; what stands there with its row is not rendered again.

    Unless it was rendered at another size, with other samples or by other code: then all of it is.  The files do not
    depend on `workers`.  With `truth`, drawings and truth stand beside each photo.
    """
    folder = Path(folder).absolute()  # its writers may stand elsewhere
    for name in ("photos", "sketches", "truth") if truth else ("photos",):
        (folder / name).mkdir(parents=True, exist_ok=True)
    seeds = range(first_seed, first_seed + count)
    table = folder / "photos.csv"
    recipe, made_by = folder / "recipe.txt", cache.fingerprint(size, samples, truth, cache.code(__name__))
    kept = _read_rows(table) if recipe.exists() and recipe.read_text() == made_by else {}
    rows = {seed: row for seed, row in kept.items() if seed in seeds and _complete(folder, row, truth)}
    _write_rows(table, rows)
    recipe.write_text(made_by)
    missing = [seed for seed in seeds if seed not in rows]
    jobs = (delayed(_write_one)(folder, seed, size, samples, truth) for seed in missing)
    done = Parallel(n_jobs=workers, return_as="generator")(jobs)
    with table.open("a", encoding="utf-8", newline="") as file:
        lines = csv.DictWriter(file, COLUMNS)
        for row in tqdm(done, initial=count - len(missing), total=count, desc="rendering", unit="photo"):
            lines.writerow(row)
            file.flush()  # a killed run keeps all rows but the few that are under way
            rows[row["seed"]] = row
    _write_rows(table, rows)


def description(building: Building, rendering: Rendering) -> str:
    """`{structure} of {color} made of {material}`, then what else can be seen."""
    parts = [f"{building.roof} roof", _counted(rendering.windows, "window"), _counted(rendering.balconies, "balcony")]
    parts += ["columns"] * building.columns + ["curved walls"] * building.curved
    seen = ", ".join(part for part in parts if part)
    subject = f"{building.structure} of {building.color} made of {building.material}"
    return f"{subject}, {building.style} style, {seen}, {building.view} view"


def _counted(number: int, noun: str) -> str:
    if not number:
        return ""
    return f"{number} {noun if number == 1 else noun[:-1] + 'ies' if noun.endswith('y') else noun + 's'}"


def _write_one(folder: Path, seed: int, size: int, samples: int, truth: bool) -> dict[str, Any]:
    """Renders one building, writes its files and returns its row."""
    building = sample_building(seed)
    rendering = render(building, size, samples)
    name = f"{seed:07d}"
    paths = {"file": f"photos/{name}.jpg"}
    if truth:
        paths |= {"sketch": f"sketches/{name}.png"} | {kind: f"truth/{name}-{kind}.png" for kind in TRUTHS}
        _save(folder / paths["sketch"], line_drawing(rendering, seed))
        for kind in TRUTHS:
            _save(folder / paths[kind], _as_image(kind, getattr(rendering, kind)))
    _save(folder / paths["file"], rendering.image)
    fixed = {"licence": "CC0-1.0", "source_url": "", "author": "s2i", "label": "building"}
    drawn = {key: getattr(building, key) for key in ("structure", "color", "material", "style", "view", "roof", "seed")}
    counted = {key: getattr(rendering, key) for key in ("windows", "balconies")}
    flags = {key: int(getattr(building, key)) for key in ("curved", "glass")}
    row = paths | fixed | drawn | counted | flags | {"description": description(building, rendering)}
    return {column: row.get(column, "") for column in COLUMNS}


def _as_image(kind: str, values: np.ndarray) -> np.ndarray:
    if kind == "depth":
        near = np.where(values > 0, np.minimum(values, FARTHEST), FARTHEST)
        return np.rint(near / FARTHEST * 255).astype(np.uint8)
    if kind == "normals":
        return np.rint((values * 0.5 + 0.5) * 255).astype(np.uint8)
    return values


def _save(path: Path, image: np.ndarray) -> None:
    """Encodes beside the final place and renames."""
    image = image[..., ::-1] if image.ndim == 3 else image
    options = [cv2.IMWRITE_PNG_COMPRESSION, 9]
    if path.suffix == ".jpg":
        options = [cv2.IMWRITE_JPEG_QUALITY, 93, cv2.IMWRITE_JPEG_SAMPLING_FACTOR, cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444]
    _, data = cv2.imencode(path.suffix, np.ascontiguousarray(image), options)
    _put(path, data.tobytes())


def _put(path: Path, data: bytes) -> None:
    with whole_file(path) as draft:
        draft.write_bytes(data)


def _read_rows(table: Path) -> dict[int, dict[str, Any]]:
    """{seed: row} of an earlier run; a line that a kill cut short is left out."""
    if not table.exists():
        return {}
    with table.open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if (row["seed"] or "").isdigit()]
    return {int(row["seed"]): row for row in rows}


def _complete(folder: Path, row: dict[str, Any], truth: bool) -> bool:
    wanted = ("file", "sketch", *TRUTHS) if truth else ("file",)
    return all(row[key] and (folder / row[key]).exists() for key in wanted)


def _write_rows(table: Path, rows: dict[int, dict[str, Any]]) -> None:
    text = StringIO()
    lines = csv.DictWriter(text, COLUMNS)
    lines.writeheader()
    lines.writerows(rows[seed] for seed in sorted(rows))
    _put(table, text.getvalue().encode())
