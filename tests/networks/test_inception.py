"""The Inception of FID, against pytorch-fid's own."""

import numpy as np
import pytest
import torch
from PIL import Image

from benchmarks.random_inception import random_inception
from s2i.imaging import tensors
from s2i.metrics import distributions
from s2i.networks import weights
from s2i.networks.inception import fid_inception, untrained_layers


@pytest.fixture
def random_weights(monkeypatch, tmp_path):
    """pytorch-fid's Inception with random weights, for our code and for its own."""
    from pytorch_fid import inception

    torch.manual_seed(0)
    state = random_inception()
    torch.save(state, tmp_path / "inception.pth")
    monkeypatch.setattr(weights, "hub_path", lambda name: tmp_path / "inception.pth")
    monkeypatch.setattr(inception, "load_state_dict_from_url", lambda *_, **__: state)


def test_its_layers_are_those_of_pytorch_fid(random_weights):
    from pytorch_fid import inception

    theirs = inception.fid_inception_v3()  # takes our state dict, or raises
    shapes = [
        [(name, tensor.shape) for name, tensor in net.state_dict().items()] for net in (untrained_layers(), theirs)
    ]
    assert shapes[0] == shapes[1]


def test_fid_is_the_figure_of_pytorch_fids_command_line_on_the_same_folders(random_weights, tmp_path):
    from pytorch_fid import fid_score

    features = []
    for folder, coarse in {"drawn": 75, "photos": 15}.items():
        rng = np.random.default_rng(coarse)
        blocks = [rng.integers(0, 256, (coarse, coarse, 3), np.uint8) for _ in range(4)]
        images = [block.repeat(75 // coarse, axis=0).repeat(75 // coarse, axis=1) for block in blocks]
        (tmp_path / folder).mkdir()
        for number, image in enumerate(images):
            Image.fromarray(image).save(tmp_path / folder / f"{number}.png")
        batch = tensors.to_unit_range(tensors.stack(images))
        features.append(distributions.features([batch], fid_inception()))
    folders = [str(tmp_path / "drawn"), str(tmp_path / "photos")]
    theirs = fid_score.calculate_fid_given_paths(folders, 4, "cpu", 2048, num_workers=0)
    ours = distributions.frechet_distance(*features)
    assert theirs > 0 and ours == pytest.approx(theirs, rel=1e-6)


def test_it_is_absent_where_its_weights_are(monkeypatch):
    monkeypatch.setattr(weights, "hub_path", lambda name: None)
    assert fid_inception() is None
