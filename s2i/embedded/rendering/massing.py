"""From a drawn building to its triangles: which function builds which structure."""

from collections.abc import Callable

import numpy as np

from s2i.embedded.rendering import (
    churches,
    dwellings,
    halls,
    landmarks,
    rotundas,
    skeletons,
    terraces,
    towers,
    villas,
    walls,
)
from s2i.embedded.rendering.grammar import Building
from s2i.embedded.rendering.shapes import Model

BUILDERS: dict[str, Callable[[Model, Building, np.random.Generator], None]] = {
    "villa": villas.villa,
    "house": dwellings.house,
    "apartment block": landmarks.slab_block,
    "office building": landmarks.slab_block,
    "tower": landmarks.tower,
    "pavilion": landmarks.pavilion,
    "temple": landmarks.temple,
    "mansion": dwellings.mansion,
    "townhouse": dwellings.townhouse,
    "church": churches.church,
    "cottage": dwellings.cottage,
    "barn": dwellings.barn,
    "office tower": towers.office_tower,
    "hotel": towers.hotel,
    "hall": halls.hall,
    "shed": halls.shed,
    "steel frame": skeletons.steel_frame,
    "unfinished house": skeletons.unfinished_house,
    "rotunda": rotundas.rotunda,
    "terrace": terraces.terrace,
}


def build(model: Model, building: Building) -> None:
    """Adds the building to `model`, its front in the plane y = 0, its middle at x = 0."""
    rng = np.random.default_rng([building.seed, 7])
    BUILDERS[building.structure](model, building, rng)
    walls.finish(model)
