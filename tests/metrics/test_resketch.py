"""Images sketched again, beside their sketches."""

import pytest

from s2i.dataset.sketching import sketches
from s2i.metrics.resketch import resketch_consistency


def test_an_image_sketched_again_gives_back_its_sketch_and_another_one_does_not(house):
    sketch = sketches.draw_sketch(house(1), "pencil", "0001")
    assert resketch_consistency(sketches.draw_sketch(house(1), "pencil", "0001"), sketch) == {
        "resketch_ssim": pytest.approx(1),
        "resketch_f1": 1,
    }
    other = resketch_consistency(sketches.draw_sketch(house(2), "pencil", "0001"), sketch)
    assert other["resketch_ssim"] < 0.9 and other["resketch_f1"] < 0.9
