"""EfficientNet-Lite0, against stored figures."""

import pytest
from helpers.images import noise

from s2i.metrics import distributions
from s2i.networks import efficientnet


def test_efficientnet_features_of_a_stored_image_are_the_stored_figures():
    (features,) = distributions.features([noise(1, 3, 64, 64)], efficientnet.efficientnet_lite0())
    assert features.shape == (1280,)
    assert [features.mean(), features.std(), features.argmax()] == pytest.approx([0.0908368, 0.3912107, 434], rel=1e-3)
