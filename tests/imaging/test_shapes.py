import numpy as np
import pytest

from s2i.imaging import io, shapes


@pytest.mark.parametrize(
    ("width", "height", "expected"),
    [
        (500, 500, (128, 128)),
        (1500, 1000, (128, 85)),
        (1000, 1500, (85, 128)),
        (40, 30, (128, 96)),
        (9000, 100, (128, 43)),
        (1, 9000, (43, 128)),
    ],
)
def test_an_image_keeps_its_shape_up_to_three_to_one(width, height, expected):
    assert shapes.fitted(width, height, 128) == expected


def test_a_square_is_fitted_as_it_always_was(house):
    square = house(1)[:96, :96]
    assert (shapes.fit(square, 64) == io.resize_and_crop(square, 64)).all()
    assert shapes.on_square(square) is square and (shapes.cut_out(square, 9, 9) == square).all()


def test_of_a_panorama_the_middle_is_taken():
    panorama = np.zeros((10, 90, 3), np.uint8)
    panorama[:, 30:60] = 255
    assert shapes.fit(panorama, 60).shape == (20, 60, 3) and shapes.fit(panorama, 60).min() > 150


@pytest.mark.parametrize("size", [(85, 128), (128, 85), (43, 128), (127, 128), (128, 128)])
@pytest.mark.parametrize("channels", [(), (3,)])
def test_what_is_laid_on_a_square_is_cut_out_of_it_unchanged(size, channels):
    image = np.random.default_rng(0).integers(0, 200, (*size, *channels), dtype=np.uint8)
    square = shapes.on_square(image)
    assert square.shape == (128, 128, *channels)
    assert (shapes.cut_out(square, size[1], size[0]) == image).all()
    assert (square == 255).sum() == square.size - image.size
    half = shapes.cut_out(square[::2, ::2], size[1], size[0])
    assert half.shape[:2] == tuple(round(side / 2) for side in size)


def test_batches_hold_images_of_one_size_in_their_order():
    sizes = [(2, 3), (3, 2), (2, 3), (2, 3), (3, 2)]
    assert list(shapes.equally_large(sizes, 2)) == [[0, 2], [3], [1, 4]]
