import numpy as np
import pytest

from s2i.imaging import material_maps
from s2i.imaging.wall_colors import dominant_color

WHOLE = np.full((128, 128), 255, np.uint8)


def test_a_map_is_painted_inside_the_mask_and_black_outside():
    mask = np.zeros((64, 64), np.uint8)
    mask[20:50, 10:40] = 255
    painted = material_maps.material_map(mask, "red", "brick")
    assert painted.shape == (64, 64, 3) and painted.dtype == np.uint8
    assert (painted[mask == 0] == 0).all() and painted[mask > 0].any(axis=1).all()


@pytest.mark.parametrize("material", material_maps.TEXTURES)
@pytest.mark.parametrize("color", ["red", "blue", "yellow"])
def test_a_map_has_the_colour_that_was_named(material, color):
    assert dominant_color(material_maps.material_map(WHOLE, color, material), WHOLE) == color


def test_materials_differ_and_the_same_words_and_seed_paint_the_same():
    maps = [material_maps.material_map(WHOLE, "grey", name).astype(float) for name in (*material_maps.TEXTURES, None)]
    for place, one in enumerate(maps):
        for other in maps[place + 1 :]:
            assert np.abs(one - other).mean() > 3
    assert (material_maps.material_map(WHOLE, "grey", "brick", seed=1) != maps[2]).any()
    assert (
        material_maps.material_map(WHOLE, "grey", "brick") == material_maps.material_map(WHOLE, "grey", "brick")
    ).all()


def test_other_words_are_css_colours_or_plain():
    assert (material_maps.material_map(WHOLE, "teal", None)[0, 0] == (0, 128, 128)).all()
    assert (material_maps.material_map(WHOLE, "ultrablue", "jelly") == material_maps.UNNAMED).all()
    assert not material_maps.material_map(WHOLE, None, None).any()


def test_a_silhouette_is_what_the_strokes_enclose():
    sketch = np.full((128, 128), 250, np.uint8)
    sketch[30:100, 30] = sketch[30:100, 95] = sketch[30, 30:96] = sketch[99, 30:96] = 40
    sketch[30:34, 60:63] = 250  # a gap in the outline
    sketch[110, 5:12] = 40  # a stray stroke
    filled = material_maps.silhouette(sketch) > 0
    truth = np.zeros((128, 128), bool)
    truth[30:100, 30:96] = True
    assert (filled & truth).sum() / (filled | truth).sum() > 0.9


def test_a_blank_sheet_has_no_silhouette():
    assert not material_maps.silhouette(np.full((64, 64), 240, np.uint8)).any()
