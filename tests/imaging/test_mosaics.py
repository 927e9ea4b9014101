import numpy as np
from PIL import Image

from s2i.imaging.mosaics import cells, evenly_spaced, grid, mosaic


def test_the_images_of_a_mosaic_can_be_taken_out_again():
    rng = np.random.default_rng(0)
    for side in (64, 128, 200):
        images = {name: [rng.integers(0, 256, (side, side, 3)).astype(np.uint8) for _ in range(3)] for name in "ab"}
        rows = cells(Image.fromarray(mosaic(images)), 2)
        assert len(rows) == 3
        for index, row in enumerate(rows):
            assert (row[0] == images["a"][index]).all() and (row[1] == images["b"][index]).all()


def test_evenly_spaced_indices_begin_with_the_first_and_end_with_the_last():
    assert evenly_spaced(10, 4) == [0, 3, 6, 9]
    assert evenly_spaced(2, 4) == [0, 1], "no more than there are"


def test_a_grid_is_filled_row_by_row():
    images = [np.full((8, 8, 3), shade, np.uint8) for shade in (10, 20, 30)]
    image = grid(images, 2)
    assert image.shape == (20, 20, 3)
    assert [image[0, 0, 0], image[0, 12, 0], image[12, 0, 0], image[12, 12, 0]] == [10, 20, 30, 255]
