import numpy as np
import pytest

from s2i.imaging import io, wall_colors
from s2i.vocabulary.buildings import COLORS

HOUSE = {"structure": "house", "color": "red", "material": "brick", "style": "rural", "view": "centre", "roof": "flat"}


WALLS = COLORS | {"beige": (214, 196, 160)}


@pytest.mark.parametrize(("name", "wall"), WALLS.items())
def test_the_wall_is_named_whatever_sky_and_lawn_are(name, wall, house):
    assert wall_colors.dominant_color(house(wall=wall)) == name


def test_the_wall_is_named_in_the_shade(house):
    assert wall_colors.dominant_color(house(wall=(104, 26, 24))) == "red"
    assert wall_colors.dominant_color(house(wall=(38, 66, 112))) == "blue"


def test_a_mask_says_where_the_wall_is(house):
    image = house()
    lawn = np.zeros(image.shape[:2], np.uint8)
    lawn[80:] = 255
    assert wall_colors.dominant_color(image, lawn) == "green"


def test_a_measured_colour_does_not_hang_on_the_size_of_the_image(house):
    image = house(wall=WALLS["yellow"])
    assert wall_colors.dominant_color(io.resize_and_crop(image, 384)) == "yellow"
