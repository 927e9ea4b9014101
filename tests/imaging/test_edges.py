"""Edges of a facade whose outlines are known."""

import numpy as np
from helpers.images import facade

from s2i.imaging.edges import canny


def test_canny_finds_the_outlines_of_windows_and_nothing_on_a_plain_wall():
    edges = canny(facade())
    assert edges.dtype == np.uint8 and edges.shape == (96, 96) and set(np.unique(edges)) == {0, 255}
    assert not canny(np.full((96, 96, 3), 200, np.uint8)).any()
    assert not edges[:, :10].any() and edges[18:42, 12:30].any()
