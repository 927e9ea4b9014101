"""What conditions the UNet beside the prompt: a sketch, its edges, a map of its materials."""

from collections.abc import Mapping, Sequence

import cv2
import numpy as np

from s2i.imaging import edges, io, material_maps
from s2i.vocabulary import prompts


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
        said = prompts.colors_and_materials_in(prompt)
        return material_maps.material_map(material_maps.silhouette(sketch), said.get("color"), said.get("material"))

    images = [made(condition) for condition in conditions]
    return [np.ascontiguousarray(image[:, ::-1]) if flip else image for image in images]


def control_images_of(example: Mapping, conditions: Sequence[str]) -> list[np.ndarray]:
    """The control images of an augmented record."""
    material_map = io.read(example["material_map"]) if example.get("material_map") else None
    sketch = io.read_grey(example["sketch"])
    return control_images(sketch, conditions, example["prompt"], material_map, bool(example.get("flip")))
