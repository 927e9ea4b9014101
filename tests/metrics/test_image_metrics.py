"""Metrics of one image and its photo: pixels, parts, sketches drawn again, weighted features, CLIP."""

from unittest import mock

import numpy as np
import pytest
import torch
import torchvision

from s2i.core.errors import UserError
from s2i.dataset.sketching import sketches
from s2i.metrics import distributions, embeddings, perceptual
from s2i.metrics.parts import part_recall
from s2i.metrics.pixels import psnr, ssim
from s2i.metrics.registry import HEADLINES, METRICS, improvement
from s2i.metrics.resketch import resketch_consistency
from s2i.networks import clip, weights
from s2i.networks.st_lpips import ShiftTolerantLPIPS
from s2i.vocabulary.buildings import LABELS


def noise(*shape, seed=0):
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed)) * 2 - 1


@pytest.fixture
def left():
    """A matte of the left half."""
    matte = np.zeros((64, 64), np.uint8)
    matte[:, :32] = 255
    return matte


@pytest.fixture
def image():
    return np.random.default_rng(0).integers(0, 256, (64, 64, 3)).astype(np.uint8)


@pytest.fixture
def half_wrong(image):
    """The image with another right half."""
    other = image.copy()
    other[:, 32:] = 255 - other[:, 32:]
    return other


def test_psnr_is_the_closed_form_and_infinite_for_equal_images(image):
    brighter = (image // 2).astype(np.uint8)
    assert psnr(brighter + np.uint8(10), brighter) == pytest.approx(20 * np.log10(255 / 10))
    assert psnr(image, image) == float("inf")


def test_ssim_is_one_for_equal_images_and_scikit_images_figure_else(image, half_wrong):
    from skimage.metrics import structural_similarity

    assert ssim(image, image) == pytest.approx(1)
    wanted = structural_similarity(
        half_wrong, image, channel_axis=2, gaussian_weights=True, sigma=1.5, use_sample_covariance=False
    )
    assert ssim(half_wrong, image) == pytest.approx(wanted)


def test_a_matte_says_what_counts(image, half_wrong, left):
    for metric in (ssim, psnr):
        whole = np.full_like(left, 255)
        assert metric(half_wrong, image, whole) == pytest.approx(metric(half_wrong, image), rel=0.01)
        assert metric(half_wrong, image, 255 - left) < metric(half_wrong, image) < metric(half_wrong, image, left)
        assert np.isnan(metric(half_wrong, image, np.zeros_like(left))) and metric(image, image, left) >= 1


def test_deep_distances_are_those_of_whole_networks_and_a_matte_says_what_counts(left):
    a, b = noise(2, 3, 64, 64), noise(2, 3, 64, 64, seed=1)
    mixed = torch.cat([a[..., :32], b[..., 32:]], dim=3)
    st_lpips = perceptual.available()["st_lpips"]
    between = lambda x, y, *matte: st_lpips.between(st_lpips.features(x), st_lpips.features(y), *matte)  # noqa: E731
    assert torch.equal(between(a, b), ShiftTolerantLPIPS.load()(a, b))
    matte = torch.from_numpy(left)[None, None].float().expand(2, 1, 64, 64) / 255
    assert torch.allclose(between(a, b, torch.ones_like(matte)), between(a, b))
    assert (between(mixed, a, matte) < 0.5 * between(mixed, a, 1 - matte)).all()
    assert between(a, b, 0 * matte).isnan().all()


@pytest.mark.parametrize("net", ["alex", "vgg"])
def test_lpips_is_what_the_lpips_package_computes_with_the_same_trunk(net):
    import lpips

    torch.manual_seed(0)
    name = {"alex": "alexnet", "vgg": "vgg16"}[net]
    trunk = getattr(torchvision.models, name)()
    with mock.patch.object(torchvision.models, name, lambda **_: trunk):
        reference = lpips.LPIPS(net=net, verbose=False)
    a, b = noise(2, 3, 48, 48), noise(2, 3, 48, 48, seed=1)
    ours = perceptual.lpips_package(net, trunk.state_dict())
    found = ours.between(ours.features(a), ours.features(b))
    assert (found > 0).all() and torch.allclose(found, reference(a, b).flatten(), rtol=1e-5)


def test_lpips_is_absent_where_its_weights_are(monkeypatch):
    monkeypatch.setattr(weights, "hub_path", lambda name: None)
    assert list(perceptual.available()) == ["st_lpips"]


def balconies(*brightness):
    """A wall with a balcony, dark above light, for each brightness, and the label map of three of them."""
    image, labels = np.full((128, 128, 3), 120, np.uint8), np.full((128, 128), LABELS["wall"], np.uint8)
    for place in range(3):
        labels[40:52, 10 + 40 * place : 30 + 40 * place] = LABELS["balcony"]
    for place, one in enumerate(brightness):
        image[40:46, 10 + 40 * place : 30 + 40 * place] = 120 - one
        image[46:52, 10 + 40 * place : 30 + 40 * place] = 120 + one
    return image, labels


def test_balcony_recall_counts_the_balconies_that_stand_where_they_are_in_truth():
    target, labels = balconies(80, 80, 80)
    assert part_recall(target, target, labels, "balcony") == 1
    fainter_one_missing_one_upside_down, _ = balconies(30, 0, -80)
    assert part_recall(fainter_one_missing_one_upside_down, target, labels, "balcony") == pytest.approx(1 / 3)
    assert part_recall(np.roll(target, 1, axis=1), target, labels, "balcony") == 1
    assert part_recall(np.roll(target, 20, axis=1), target, labels, "balcony") == 0
    assert np.isnan(part_recall(target, target, labels, "door"))


def test_an_image_sketched_again_gives_back_its_sketch_and_another_one_does_not(house):
    sketch = sketches.draw_sketch(house(1), "pencil", "0001")
    assert resketch_consistency(sketches.draw_sketch(house(1), "pencil", "0001"), sketch) == {
        "resketch_ssim": pytest.approx(1),
        "resketch_f1": 1,
    }
    other = resketch_consistency(sketches.draw_sketch(house(2), "pencil", "0001"), sketch)
    assert other["resketch_ssim"] < 0.9 and other["resketch_f1"] < 0.9


@pytest.fixture
def clip_folder(tmp_path, monkeypatch):
    """A tiny CLIP with random weights, where S2I_WEIGHTS has it."""
    from transformers import CLIPConfig, CLIPModel

    from s2i.embedded.pretraining.text_encoder import build_tokenizer

    torch.manual_seed(0)
    small = {"hidden_size": 32, "intermediate_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2}
    tokenizer = build_tokenizer(64)
    text = small | {"vocab_size": len(tokenizer), "eos_token_id": tokenizer.eos_token_id}
    config = CLIPConfig(text_config=text, vision_config=small | {"image_size": 32, "patch_size": 8}, projection_dim=16)
    folder = tmp_path / "clip-vit-large-patch14-336"
    CLIPModel(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    monkeypatch.setenv("S2I_WEIGHTS", str(tmp_path))
    return folder


def test_clip_is_read_from_its_folder_and_scores_texts_and_sets(clip_folder):
    model = clip.load()
    images, texts = model.images(noise(6, 3, 64, 64)), model.texts(["a red house", "a tower"] * 3)
    assert images.shape == texts.shape == (6, 16) and torch.allclose(images.norm(dim=1), torch.ones(6))
    wanted = 100 * torch.nn.functional.cosine_similarity(images, texts).clamp(min=0)
    assert torch.allclose(embeddings.clip_score(images, texts), wanted, atol=1e-4)
    other = model.images(noise(6, 3, 64, 64, seed=1) / 4 + 0.5).numpy()
    assert distributions.cmmd(images.numpy(), images.numpy()) == pytest.approx(0, abs=1e-4)
    assert distributions.cmmd(images.numpy(), other) > 0


def test_cmmd_is_the_written_out_formula():
    x, y = np.random.default_rng(0).normal(size=(4, 3)), np.random.default_rng(1).normal(size=(5, 3))
    k = lambda a, b: np.exp(-np.sum((a - b) ** 2) / 200)  # noqa: E731
    mean = lambda a, b: np.mean([k(one, other) for one in a for other in b])  # noqa: E731
    assert distributions.cmmd(x, y) == pytest.approx(1000 * (mean(x, x) + mean(y, y) - 2 * mean(x, y)))


def test_clip_is_absent_where_it_is_not_and_a_broken_folder_is_one_sentence(clip_folder, monkeypatch, tmp_path):
    (clip_folder / "model.safetensors").write_bytes(b"torn")
    with pytest.raises(UserError, match="holds no CLIP"):
        clip.load()
    monkeypatch.setenv("S2I_WEIGHTS", str(tmp_path / "elsewhere"))
    assert clip.place() is None and clip.load() is None


def test_headlines_are_known_metrics_and_point_somewhere():
    assert "balcony_recall" in HEADLINES and set(HEADLINES) <= METRICS.keys()
    assert improvement("st_lpips") == -1 and improvement("edge_f1") == 1
