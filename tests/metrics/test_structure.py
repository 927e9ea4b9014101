"""Contours and windows of facades whose truth is known."""

import numpy as np
import pytest
from helpers.images import facade

from s2i.metrics.structure import count_windows, edge_f1


def test_edge_f1_is_one_for_itself_and_within_the_tolerance_and_lower_beyond():
    assert edge_f1(facade(), facade()) == 1
    assert edge_f1(facade(shift=2), facade(), tolerance=2) == 1
    assert edge_f1(facade(shift=5), facade()) < 0.8
    assert edge_f1(facade(shift=5), facade(), tolerance=5) == 1


@pytest.mark.parametrize("side", [64, 128, 256, 512])
def test_edge_f1_forgives_a_64th_of_the_side_at_every_resolution(side):
    line = np.zeros((side, side), np.uint8)
    line[side // 2] = 255
    moved = [np.roll(line, pixels, axis=0) for pixels in (side // 64, side // 64 + 1)]
    assert [edge_f1(other, line) for other in moved] == [1, 0]


def test_edge_f1_takes_edge_maps_and_counts_missing_and_extra_edges():
    line = np.zeros((32, 32), np.uint8)
    line[8] = 255
    two = line.copy()
    two[24] = 255
    assert edge_f1(two, line) == edge_f1(line, two) == pytest.approx(2 / 3)  # precision 1/2, recall 1
    assert edge_f1(np.roll(line, 10, axis=0), line) == 0
    assert edge_f1(np.zeros_like(line), line) == 0
    assert edge_f1(np.zeros_like(line), np.zeros_like(line)) == 1


def test_windows_are_counted_and_a_wall_without_them_has_none():
    assert count_windows(facade()) == 6
    assert count_windows(np.full((96, 96, 3), 200, np.uint8)) == 0


def test_a_window_of_four_panes_counts_once():
    image = facade()
    for top in (20, 56):
        image[top + 7] = 255
    for left in (14, 40, 66):
        image[20:34, left + 5] = image[56:70, left + 5] = 255
    assert count_windows(image) == 6


def test_the_same_windows_count_the_same_light_on_dark_coloured_and_in_a_larger_image():
    coloured = facade()
    coloured[..., 0], coloured[..., 2] = 120, 255 - coloured[..., 2]
    assert count_windows(255 - facade()) == count_windows(coloured) == 6
    assert count_windows(facade().repeat(3, axis=0).repeat(3, axis=1)) == 6
