"""Linear probes on features whose truth is known."""

import numpy as np
import pytest
import torch

from s2i.networks.probes import Probes, accuracy, features, fit
from s2i.vocabulary import attributes

TRUTH = [
    {
        "structure": ("house", "tower")[number % 2],
        "material": ("brick", "wood", "stone")[number % 3],
        "style": "rural",
        "view": "left",
        "roof": "flat",
        "curved": number % 4 == 0,
        "glass": False,
        "balconies": number % 5,
    }
    for number in range(90)
]


def separable(generator):
    """Features from which structure, material, curved and balconies can be told, beside noise."""
    inputs = 0.3 * torch.randn(len(TRUTH), 40, generator=generator)
    for row, truth in enumerate(TRUTH):
        inputs[row, 0] += truth["structure"] == "tower"
        inputs[row, 1 + ("brick", "wood", "stone").index(truth["material"])] += 1
        inputs[row, 5] += truth["curved"]
        inputs[row, 6] += truth["balconies"] > 0
    return inputs


@pytest.fixture(scope="module")
def probes():
    return fit(separable(torch.Generator().manual_seed(0)), TRUTH)


def test_probes_read_what_the_features_tell_and_their_accuracy_is_that_of_new_images(probes):
    predicted = probes.predict(separable(torch.Generator().manual_seed(1)))
    shares = accuracy(predicted, TRUTH)
    assert shares["structure"] > 0.9 and shares["material"] > 0.85 and shares["curved"] > 0.85
    assert shares["style"] == shares["glass"] == 1
    assert set(predicted[0]) == set(attributes.PROBED) and isinstance(predicted[0]["curved"], bool)
    shuffled = accuracy(predicted, TRUTH[7:] + TRUTH[:7])
    assert shuffled["material"] < 0.5


def test_accuracy_counts_only_what_is_known(probes):
    predicted = probes.predict(separable(torch.Generator().manual_seed(1)))
    partly = [{"material": truth["material"]} if number < 10 else {} for number, truth in enumerate(TRUTH)]
    assert set(accuracy(predicted, partly)) == {"material"}


def test_stored_probes_predict_the_same_in_half_the_space(probes, tmp_path):
    probes.save(tmp_path / "probes.safetensors")
    inputs = separable(torch.Generator().manual_seed(1))
    stored = Probes.load(tmp_path / "probes.safetensors").predict(inputs)
    same = [ours == theirs for ours, theirs in zip(probes.predict(inputs), stored, strict=True)]
    assert np.mean(same) > 0.95


def test_a_mirrored_house_has_mirrored_features(house):
    image = house(3)[:, 16:112]
    there, back = features([image, np.ascontiguousarray(image[:, ::-1])])
    assert there.shape == (2560,)
    middle, sides = (
        torch.cosine_similarity(there[:1280], back[:1280], 0),
        torch.cosine_similarity(there[1280:], back[1280:], 0),
    )
    assert middle > 0.8 and sides < 0, "what is more on the left is more on the right"
