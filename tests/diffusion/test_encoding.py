"""Encoded examples: what stands in the shards, and for which base they hold."""

import shutil

import numpy as np
import pytest
import torch

from s2i.core.errors import UserError
from s2i.core.params import Encode
from s2i.diffusion import base, encoding
from s2i.diffusion.encoding import EncodedExamples, Encoder
from s2i.imaging import io
from s2i.imaging.control_images import control_images


@pytest.fixture(scope="module")
def pipeline(tiny_base):
    return base.load(tiny_base, tiny_base / "controlnet")


def test_encoded_latents_and_words_are_those_of_the_base(examples, pipeline, tiny_base, tmp_path):
    encoding.encode(examples, tmp_path / "encoded", pipeline, str(tiny_base), ["sketch"], Encode())
    train = EncodedExamples(tmp_path / "encoded", "train")
    assert len(train) == 4 and len(EncodedExamples(tmp_path / "encoded", "val")) == 1
    encoder = Encoder(pipeline, 4)
    for index, example in enumerate(examples[:4]):
        photo = io.read(example["photo"])
        oriented = np.ascontiguousarray(photo[:, ::-1]) if example["flip"] else photo
        mean, _ = encoder.latents([oriented])
        torch.testing.assert_close(train[index]["latent_mean"], mean[0], atol=2e-3, rtol=2e-3)
        words = encoder.prompt_embeds([example["prompt"]])[0]
        torch.testing.assert_close(train[index]["embedding"], words, atol=2e-3, rtol=2e-3)
        (control,) = control_images(io.read_grey(example["sketch"]), flip=example["flip"])
        torch.testing.assert_close(train[index]["control.sketch"][0], torch.from_numpy(control) / 255)


def test_a_photo_that_is_no_square_is_encoded_on_one_whose_margins_are_marked(
    landscape_examples, pipeline, tiny_base, tmp_path
):
    encoding.encode(landscape_examples, tmp_path / "encoded", pipeline, str(tiny_base), ["sketch", "drawing"], Encode())
    item = EncodedExamples(tmp_path / "encoded", "train")[1]
    (sketch,), flipped = control_images(io.read_grey(landscape_examples[1]["sketch"])), landscape_examples[1]["flip"]
    inner = item["control.sketch"][0, 10:53].flip(-1) if flipped else item["control.sketch"][0, 10:53]
    assert flipped and torch.equal((inner * 255).round().byte(), torch.from_numpy(sketch))
    assert not item["control.sketch"][0, :10].any() and not item["control.sketch"][0, 53:].any()
    assert (item["control.drawing"][:, :10] == 1).all(), "paper"
    inside = item["inside"][0]
    rows = inside.mean(dim=1) * 8 * 8 / len(inside)  # pixels of the photo in each row of latents
    assert rows.sum() == pytest.approx(43, abs=0.2) and rows[0] == 0 and rows[3] == 8 and inside.shape[0] == 8
    square = io.read(landscape_examples[1]["photo"])
    square = np.pad(square, ((10, 11), (0, 0), (0, 0)), constant_values=255)[:, ::-1].copy()
    mean, _ = Encoder(pipeline, 4).latents([square])
    torch.testing.assert_close(item["latent_mean"], mean[0], atol=2e-3, rtol=2e-3)


def test_of_square_photos_nothing_is_margin(encoded):
    assert all((item["inside"] == 1).all() for item in EncodedExamples(encoded, "train"))


def test_one_more_photo_leaves_other_shards_as_they_are(examples, pipeline, tiny_base, tmp_path, monkeypatch):
    settings = Encode(shard_size=2)
    encoding.encode(examples[:3], tmp_path / "before", pipeline, str(tiny_base), ["sketch"], settings)
    encoded = []
    latents = Encoder.latents
    monkeypatch.setattr(Encoder, "latents", lambda self, these: encoded.append(len(these)) or latents(self, these))
    encoding.encode(examples[:4], tmp_path / "after", pipeline, str(tiny_base), ["sketch"], settings)
    assert sum(encoded) == 2, "only the shard that the new photo falls into, with its one other photo"


def test_examples_of_another_base_or_resolution_are_refused(trained_controlnet):
    with pytest.raises(UserError, match=r"encoded with resolution 64, and .* needs 128: run `dvc repro encode`"):
        trained_controlnet(resolution=128)
    with pytest.raises(UserError, match=r"encoded with conditions \['sketch'\], .* needs \['edges', 'sketch'\]"):
        trained_controlnet("other", conditions=["edges", "sketch"])
    with pytest.raises(UserError, match=r"train.background_weight weighs by mattes"):
        trained_controlnet("third", learning={"background_weight": 0.5})


def test_examples_of_another_base_of_the_same_shape_are_refused(trained_controlnet, tiny_base, tmp_path):
    other = tmp_path / "other"
    shutil.copytree(tiny_base, other)
    (other / "scheduler/scheduler_config.json").write_text(
        (other / "scheduler/scheduler_config.json").read_text() + " "
    )
    with pytest.raises(UserError, match=r"encoded with another base than .*other: run `dvc repro encode`"):
        trained_controlnet(base=str(other))


def test_a_corrupt_shard_is_one_clear_sentence(trained_controlnet, tmp_path):
    (shard,) = (tmp_path / "encoded/train").iterdir()
    torn = shard.read_bytes()[:100]
    shard.unlink()
    shard.write_bytes(torn)
    with pytest.raises(UserError, match=r"00000.safetensors cannot be read .*: delete .*encoded and run dvc repro"):
        trained_controlnet()


def test_a_split_without_examples_says_what_to_do(tmp_path):
    with pytest.raises(UserError, match=r"has no val examples: add photos, or raise ingest\.val"):
        EncodedExamples(tmp_path, "val")
