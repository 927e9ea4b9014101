"""What conditions the UNet beside the prompt: a sketch, its edges, the drawing itself, a map of its materials."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import cv2
import numpy as np

from s2i.imaging import edges, io, material_maps, shapes
from s2i.vocabulary import prompts


def control_images(
    sketch: np.ndarray,
    conditions: Sequence[str] = ("sketch",),
    prompt: str = "",
    material_map: np.ndarray | None = None,
    flip: bool = False,
) -> list[np.ndarray]:
    """One control image for each of ``conditions``, mirrored if ``flip``.

    sketch: dark strokes on light paper, (H, W) uint8, or (H, W, 3) uint8 in its colours.  "sketch" gives white lines
    on black, as edge and scribble ControlNets expect, "edges" its Canny edges likewise, both (H, W) uint8; "drawing"
    gives the sketch as it is, dark on light and in its colours, (H, W, 3) uint8; "material" gives ``material_map``
    (H, W, 3) uint8, or without one what the prompt says of colour and material, where the strokes say a building is.
    """
    images = []
    lightness = io.grey(sketch) if sketch.ndim == 3 else sketch
    for condition in conditions:
        if condition == "sketch":
            images.append(inverted(lightness))
        elif condition == "edges":
            images.append(edges_of_sketch(lightness))
        elif condition == "drawing":
            images.append(sketch if sketch.ndim == 3 else cv2.cvtColor(sketch, cv2.COLOR_GRAY2RGB))
        else:
            images.append(material_map_of_prompt(lightness, prompt) if material_map is None else material_map)
    return [np.ascontiguousarray(image[:, ::-1]) if flip else image for image in images]


def control_images_of(example: Mapping, conditions: Sequence[str]) -> list[np.ndarray]:
    """The control images of an augmented record, laid on squares."""
    material_map = io.read(Path(example["material_map"])) if example.get("material_map") else None
    read = io.read if "drawing" in conditions else io.read_grey
    sketch = read(Path(example["sketch"]))
    flip = bool(example.get("flip"))
    if material_map is not None:
        material_map = shapes.on_square(material_map, color=0)
    return control_images(shapes.on_square(sketch), conditions, example["prompt"], material_map, flip)


def inverted(sketch: np.ndarray) -> np.ndarray:
    """A sketch (H, W) uint8 as light strokes on black, (H, W) uint8."""
    return 255 - sketch


def edges_of_sketch(sketch: np.ndarray) -> np.ndarray:
    """The Canny edges of a sketch (H, W) uint8: (H, W) uint8, 255 on edges and 0 elsewhere."""
    return edges.canny(cv2.cvtColor(sketch, cv2.COLOR_GRAY2RGB))


def material_map_of_prompt(sketch: np.ndarray, prompt: str) -> np.ndarray:
    """The colour and the material that a prompt names, painted where a sketch (H, W) uint8 shows a building.

    (H, W, 3) uint8; black where the prompt names neither.
    """
    words = prompts.colors_and_materials_in(prompt)
    return material_maps.material_map(material_maps.silhouette(sketch), words.get("color"), words.get("material"))
