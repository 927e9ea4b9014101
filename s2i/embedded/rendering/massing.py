"""From a drawn building to its triangles: which function builds which structure."""

import numpy as np

from s2i.embedded.rendering import dwellings, landmarks

BUILDERS = {
    "villa": dwellings.villa,
    "house": dwellings.house,
    "apartment block": landmarks.slab_block,
    "office building": landmarks.slab_block,
    "tower": landmarks.tower,
    "pavilion": landmarks.pavilion,
    "temple": landmarks.temple,
    "mansion": dwellings.mansion,
    "townhouse": dwellings.townhouse,
    "church": landmarks.church,
    "cottage": dwellings.cottage,
    "barn": dwellings.barn,
}


def build(model, building):
    """Adds the building to `model`, its front in the plane y = 0, its middle at x = 0."""
    rng = np.random.default_rng([building.seed, 7])
    BUILDERS[building.structure](model, building, rng)
