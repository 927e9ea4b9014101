import cv2
import numpy as np
import pytest

from s2i.metrics.sharpness import band_power_ratios, band_powers, laplacian_variance, sharpness


@pytest.fixture
def photo(house):
    return house(3)


def test_an_image_is_as_sharp_as_itself_and_a_blurred_one_less(photo):
    slightly, strongly = (cv2.GaussianBlur(photo, (0, 0), sigma) for sigma in (0.6, 2))
    assert sharpness(photo, photo) == 1
    assert 1 > sharpness(slightly, photo) > sharpness(strongly, photo) > 0


def test_noise_is_sharper_than_the_photo(photo):
    noisy = photo + np.random.default_rng(0).integers(0, 40, photo.shape, dtype=np.uint8)
    assert sharpness(noisy, photo) > 1


def test_it_is_the_variance_of_the_laplacian():
    image = np.zeros((5, 5), np.uint8)
    image[2, 2] = 10
    laplacian = np.zeros((5, 5))
    laplacian[2, 2], laplacian[1, 2], laplacian[3, 2], laplacian[2, 1], laplacian[2, 3] = -40, 10, 10, 10, 10
    assert laplacian_variance(image) == pytest.approx(laplacian.var())


def test_beside_an_even_image_nothing_can_be_said():
    even = np.full((16, 16, 3), 90, np.uint8)
    assert np.isnan(sharpness(even, even))


def test_an_image_has_its_own_power_in_every_octave_and_blur_takes_the_finest_first(photo):
    assert band_power_ratios(photo, photo) == {"band_power_coarse": 1, "band_power_middle": 1, "band_power_fine": 1}
    blurred = band_power_ratios(cv2.GaussianBlur(photo, (0, 0), 1), photo)
    assert blurred["band_power_fine"] < 0.5 * blurred["band_power_middle"] < 0.5 * blurred["band_power_coarse"] < 0.5
    even = np.full((16, 16, 3), 90, np.uint8)
    assert all(np.isnan(ratio) for ratio in band_power_ratios(photo[:16, :16], even).values())


@pytest.mark.parametrize(("period", "band"), [(12, "coarse"), (6, "middle"), (3, "fine")])
def test_a_wave_has_its_power_in_the_octave_of_its_frequency(period, band):
    wave = 127 + 100 * np.sin(2 * np.pi * np.arange(96) / period)
    powers = band_powers(np.tile(wave, (96, 1)).astype(np.uint8))
    assert powers[band] > 0.9 * sum(powers.values())
