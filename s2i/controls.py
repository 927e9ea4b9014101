"""What conditions the UNet beside the prompt: a sketch, its edges, a map of its materials."""

from collections.abc import Mapping, Sequence
from functools import cache as once
from pathlib import Path

import cv2
import numpy as np

from s2i import cache, edges, images, materials, prompts
from s2i.corpus import grammar, textures


@once
def code() -> list[str]:
    """What identifies all that decides how a control image looks, for the keys of the cache."""
    modules = [module.__name__ for module in (edges, images, materials, prompts, grammar, textures)]
    return [*cache.code(__name__, *modules), cache.file_hash(Path(prompts.__file__).with_suffix(".yaml"))]


def control_images(
    sketch: np.ndarray,
    conditions: Sequence[str] = ("sketch",),
    prompt: str = "",
    material_map: np.ndarray | None = None,
    flip: bool = False,
) -> list[np.ndarray]:
    """One control image for each of ``conditions``, mirrored if ``flip``.

    sketch: (H, W) uint8, dark strokes on light paper.  "sketch" gives white lines on black, as edge and scribble
    ControlNets expect, "edges" its Canny edges likewise, both (H, W) uint8; "material" gives ``material_map``
    (H, W, 3) uint8, or without one what the prompt says of colour and material, where the strokes say a building is.
    """

    def made(condition: str) -> np.ndarray:
        if condition == "sketch":
            return 255 - sketch
        if condition == "edges":
            return edges.canny(cv2.cvtColor(sketch, cv2.COLOR_GRAY2RGB))
        if material_map is not None:
            return material_map
        said = materials.named(prompt)
        return materials.material_map(materials.silhouette(sketch), said.get("color"), said.get("material"))

    pictures = [made(condition) for condition in conditions]
    return [np.ascontiguousarray(picture[:, ::-1]) if flip else picture for picture in pictures]


def of(example: Mapping, conditions: Sequence[str]) -> list[np.ndarray]:
    """The control images of an augmented record."""
    material_map = images.read(example["material_map"]) if example.get("material_map") else None
    sketch = images.read_grey(example["sketch"])
    return control_images(sketch, conditions, example["prompt"], material_map, bool(example.get("flip")))
