"""Whether parts of a building stand where they are in truth."""

import numpy as np
import pytest

from s2i.metrics.parts import part_recall
from s2i.vocabulary.buildings import LABELS


def balconies(*brightness):
    """A wall with a balcony, dark above light, for each brightness, and the label map of three of them."""
    image, labels = np.full((128, 128, 3), 120, np.uint8), np.full((128, 128), LABELS["wall"], np.uint8)
    for index in range(3):
        labels[40:52, 10 + 40 * index : 30 + 40 * index] = LABELS["balcony"]
    for index, contrast in enumerate(brightness):
        image[40:46, 10 + 40 * index : 30 + 40 * index] = 120 - contrast
        image[46:52, 10 + 40 * index : 30 + 40 * index] = 120 + contrast
    return image, labels


def test_balcony_recall_counts_the_balconies_that_stand_where_they_are_in_truth():
    target, labels = balconies(80, 80, 80)
    assert part_recall(target, target, labels, "balcony") == 1
    fainter_one_missing_one_upside_down, _ = balconies(30, 0, -80)
    assert part_recall(fainter_one_missing_one_upside_down, target, labels, "balcony") == pytest.approx(1 / 3)
    assert part_recall(np.roll(target, 1, axis=1), target, labels, "balcony") == 1
    assert part_recall(np.roll(target, 20, axis=1), target, labels, "balcony") == 0
    assert np.isnan(part_recall(target, target, labels, "door"))
