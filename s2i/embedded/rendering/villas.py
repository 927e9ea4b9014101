"""Villas: modern ones of stacked blocks, older ones with porches, dormers and bays."""

import numpy as np

from s2i.embedded.rendering import blocks, facade, roofs
from s2i.embedded.rendering.blocks import Mass
from s2i.embedded.rendering.facade import Ledge
from s2i.embedded.rendering.glazing import Grid
from s2i.embedded.rendering.grammar import Building
from s2i.embedded.rendering.openings import Opening, window
from s2i.embedded.rendering.porches import porch
from s2i.embedded.rendering.shapes import Model


def villa(model: Model, building: Building, rng: np.random.Generator) -> None:
    """Two storeys in a garden."""
    if building.style == "modern":
        _stacked(model, building)
        return
    width, depth = blocks.footprint(building, 8.0)
    base = 0.7
    mass = blocks.oblong(-width / 2, width / 2, 0, depth)
    front = mass.walls[0]
    grid = blocks.front_of(building, base)
    eaves = blocks.block(model, building, mass, grid)
    blocks.add_bay_window(model, building, front, grid)
    facade.band(model, "trim", mass.walls, (eaves - 0.2, eaves + 0.05), 0.2)
    roofs.close(model, building, mass, eaves, rng)
    if "porch" in building.features:
        porch(model, building, front, base)
    if "dormers" in building.features:
        for x in (-width * 0.24, width * 0.24):
            roofs.dormer(model, building, (x, 0.9, eaves + 0.75))


def _stacked(model: Model, building: Building) -> None:
    """Two stacked blocks, the upper one reaching over the lower."""
    width, depth = blocks.footprint(building, 7.0)
    base, storey = 0.3, building.storey_height
    side = -1 if building.seed % 2 else 1
    lower = blocks.oblong(-width / 2 - 1.2, width / 2 + 1.2, 0, depth)
    upper = blocks.oblong(-width / 2 + side * 1.0, width / 2 + side * 1.8, -1.3, depth - 1)
    blocks.raise_walls(model, lower, (0, base + storey))
    facade.band(model, "kerb", lower.walls, (0, base), 0.12)
    blocks.openings(model, building, lower.walls[0], Grid(1, building.bays + 1, base, building.bays // 2))
    for wall in (lower.walls[1], lower.walls[-1]):
        blocks.openings(model, building, wall, Grid(1, 2, base))
    roofs.flat(model, lower, base + storey, "slab", parapet=0.15, out=0.3)
    blocks.raise_walls(model, upper, (base + storey + 0.15, base + 2 * storey + 0.15))
    _upper_floor(model, building, upper, base + storey + 0.2, 0 if side < 0 else building.bays - 1)
    top = base + 2 * storey + 0.15
    if building.roof == "flat":
        roofs.flat(model, upper, top, "slab", parapet=0.25, out=0.45)
    else:
        roofs.gabled(model, upper, top, 2.0)


def _upper_floor(model: Model, building: Building, upper: Mass, floor: float, balcony_bay: int) -> None:
    """Wide windows, one of them with a balcony where the building has any."""
    frame, length = upper.walls[0]
    for i in range(building.bays):
        u = length * (i + 0.5) / building.bays
        if building.balconies and i == balcony_bay:
            window(model, building, frame, Opening(u, floor + 0.1, length / building.bays * 0.66, 2.3))
            facade.balcony(model, building, frame, Ledge(u, floor, length / building.bays * 0.9))
        else:
            window(model, building, frame, Opening(u, floor + 0.7, length / building.bays * 0.7, 1.7))
    for wall in (upper.walls[1], upper.walls[-1]):
        blocks.openings(model, building, wall, Grid(1, 1, floor))
