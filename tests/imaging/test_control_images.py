import numpy as np
import pytest

from s2i.imaging import io
from s2i.imaging.control_images import control_images
from s2i.imaging.edges import canny
from s2i.imaging.material_maps import material_map, silhouette

SKETCH = np.full((64, 64), 250, np.uint8)
SKETCH[20:50, 16] = SKETCH[20:50, 47] = SKETCH[20, 16:48] = SKETCH[49, 16:48] = 30


def test_each_condition_has_its_control_image_in_turn():
    sketch, edges, materials = control_images(SKETCH, ["sketch", "edges", "material"], "house of red made of brick")
    assert (sketch == 255 - SKETCH).all()
    assert (edges == canny(np.repeat(SKETCH[..., None], 3, axis=2))).all() and edges.any()
    assert (materials == material_map(silhouette(SKETCH), "red", "brick")).all() and materials.any()


def test_a_material_map_that_is_given_wins_over_the_prompt():
    given = np.full((64, 64, 3), 7, np.uint8)
    assert (control_images(SKETCH, ["material"], "house of red", given)[0] == 7).all()


def test_a_drawing_stays_dark_on_light_and_in_its_colours():
    colored = np.repeat(SKETCH[..., None], 3, axis=2)
    colored[30:40, 30:40] = (200, 80, 60)
    drawing, sketch = control_images(colored, ["drawing", "sketch"])
    assert (drawing == colored).all() and (sketch == 255 - io.grey(colored)).all()
    (grey,) = control_images(SKETCH, ["drawing"])
    assert (grey == np.repeat(SKETCH[..., None], 3, axis=2)).all()


@pytest.mark.parametrize("condition", ["sketch", "edges", "drawing", "material"])
def test_a_mirrored_example_has_mirrored_control_images(condition):
    (image,), (mirrored,) = (control_images(SKETCH, [condition], "blue tower", flip=flip) for flip in (False, True))
    assert (mirrored == image[:, ::-1]).all() and mirrored.flags["C_CONTIGUOUS"]


def test_a_control_image_has_white_lines_on_black():
    sketch = np.full((4, 6), 255, np.uint8)
    sketch[:, 0] = 0
    (plain,), (mirrored,) = control_images(sketch), control_images(sketch, flip=True)
    assert (plain[:, 0] == 255).all() and not plain[:, 1:].any() and (mirrored[:, -1] == 255).all()
