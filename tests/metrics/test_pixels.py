import numpy as np

from s2i.metrics import pixels


def test_overlap_of_blank_mattes_is_whole():
    blank = np.zeros((4, 4), np.uint8)
    assert pixels.intersection_over_union(blank, blank) == 1
    assert pixels.intersection_over_union(blank, blank + 255) == 0
