import numpy as np
import pytest

from s2i.imaging import io
from s2i.training.validation_images import DrawnScores, ValidationImages


def test_the_error_falls_with_contours_and_with_distance():
    assert DrawnScores(1.0, 0.0).error == 0
    assert DrawnScores(0.6, 0.2).error == pytest.approx(0.3)
    assert DrawnScores(0.5, 0.2).error > DrawnScores(0.6, 0.2).error > DrawnScores(0.6, 0.1).error


def test_photos_score_best_and_moved_and_blurred_ones_worse(examples, params):
    validation = ValidationImages(examples, params())
    (photo,) = validation.photos
    perfect = validation.score([photo])
    moved = validation.score([np.roll(photo, 6, axis=1)])
    assert perfect.edge_f1 == 1 and perfect.error == pytest.approx(0, abs=1e-6)
    assert moved.edge_f1 < 0.95 and moved.st_lpips > 0.01 and moved.error > perfect.error


def test_validation_examples_alone_are_drawn_and_no_more_than_asked_for(examples, params):
    rows = [example | {"split": "val"} for example in examples] + examples
    chosen = ValidationImages(rows, params({"validation_images": 3})).examples
    assert len(chosen) == 3 and {row["split"] for row in chosen} == {"val"} and chosen[0] == rows[0]
    assert ValidationImages(rows, params({"validation_images": 0})).examples == []
    assert len(ValidationImages(rows, params()).examples) == 7
    assert np.array_equal(ValidationImages(rows, params()).photos[0], io.read(rows[0]["photo"]))
