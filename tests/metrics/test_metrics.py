"""The arithmetic of the metrics, against the packages that define them, hand formulas and stored figures."""

import numpy as np
import pytest
import torch
from PIL import Image

from benchmarks.random_inception import random_inception
from s2i.core.errors import UserError
from s2i.imaging import tensors
from s2i.imaging.edges import canny
from s2i.metrics import distributions
from s2i.metrics.intervals import bootstrap
from s2i.metrics.structure import count_windows, edge_f1, window_count_error
from s2i.networks import efficientnet, weights
from s2i.networks import inception as inception_module
from s2i.networks.st_lpips import ShiftTolerantLPIPS


def noise(*shape, seed=0):
    """Noise in [-1, 1]."""
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed)) * 2 - 1


def facade(shift=0):
    """A 96 px wall with six dark windows, all of it moved to the right by shift pixels."""
    image = np.full((96, 96, 3), 200, np.uint8)
    for top in (20, 56):
        for left in (14, 40, 66):
            image[top : top + 14, left + shift : left + shift + 10] = 40
    return image


@pytest.fixture(scope="module")
def st_lpips():
    return ShiftTolerantLPIPS.load()


def test_st_lpips_gives_the_figures_of_the_package_that_carries_its_weights(st_lpips):
    # Stored from stlpips_pytorch 0.0.2, LPIPS(net="alex", variant="shift_tolerant").
    a, b = noise(2, 3, 64, 64), noise(2, 3, 64, 64, seed=1)
    blurred = torch.nn.functional.avg_pool2d(a, 5, 1, 2)
    assert st_lpips(a, b).tolist() == pytest.approx([0.03831912, 0.03678812], abs=1e-5)
    assert st_lpips(a, blurred).tolist() == pytest.approx([0.55018312, 0.54606456], abs=1e-5)


def test_st_lpips_is_zero_for_an_image_and_itself_and_symmetric(st_lpips):
    a, b = noise(2, 3, 64, 64), noise(2, 3, 64, 64, seed=1)
    assert st_lpips(a, a).tolist() == [0, 0]
    assert torch.allclose(st_lpips(a, b), st_lpips(b, a))


def test_st_lpips_as_a_loss_pulls_an_image_towards_its_target(st_lpips):
    image, target = noise(1, 3, 32, 32).requires_grad_(), noise(1, 3, 32, 32, seed=1)
    before = st_lpips(image, target).item()
    optimizer = torch.optim.Adam([image], lr=0.05)
    for _ in range(30):
        optimizer.zero_grad()
        st_lpips(image, target).sum().backward()
        optimizer.step()
    assert st_lpips(image, target).item() < before / 2
    assert not any(parameter.requires_grad for parameter in st_lpips.parameters())


def test_st_lpips_has_finite_gradients_where_features_vanish(st_lpips):
    image = torch.zeros(1, 3, 32, 32, requires_grad=True)
    st_lpips(image, torch.zeros(1, 3, 32, 32)).sum().backward()
    assert image.grad.isfinite().all()


def test_fid_and_its_kid_are_absent_where_inceptions_weights_are(monkeypatch):
    monkeypatch.setattr(weights, "hub_path", lambda name: None)
    batches = [noise(2, 3, 64, 64), noise(2, 3, 64, 64, seed=1)]
    with pytest.warns(UserWarning, match="of 4 images is biased"):
        found = distributions.distances(batches, batches)
    assert list(found) == ["fd_efficientnet_lite0", "kid_efficientnet_lite0"]
    assert found["fd_efficientnet_lite0"] == pytest.approx(0, abs=1e-2)


def test_frechet_distance_of_one_image_is_refused_with_a_sentence(monkeypatch):
    monkeypatch.setattr(efficientnet, "efficientnet_lite0", lambda: lambda images: images.flatten(1))
    with pytest.raises(UserError, match="needs at least 2 in each; found 1"):
        distributions.distances([noise(1, 3, 2, 2)], [noise(2, 3, 2, 2)])


def test_2048_images_are_enough_for_no_warning(monkeypatch, recwarn):
    monkeypatch.setattr(efficientnet, "efficientnet_lite0", lambda: lambda images: images.flatten(1))
    monkeypatch.setattr(inception_module, "fid_inception", lambda: None)
    enough, few = [noise(2048, 3, 1, 1)], [noise(2047, 3, 1, 1)]
    distributions.distances(enough, enough)
    assert not [warning for warning in recwarn if warning.category is UserWarning]
    with pytest.warns(UserWarning, match="of 2047 images"):
        distributions.distances(enough, few)


@pytest.fixture
def inception(monkeypatch, tmp_path):
    """pytorch-fid's Inception with random weights, for our code and for its own."""
    from pytorch_fid import inception

    torch.manual_seed(0)
    state = random_inception()
    torch.save(state, tmp_path / "inception.pth")
    monkeypatch.setattr(weights, "hub_path", lambda name: tmp_path / "inception.pth")
    monkeypatch.setattr(inception, "load_state_dict_from_url", lambda *_, **__: state)


def test_fid_is_the_figure_of_pytorch_fids_command_line_on_the_same_folders(inception, tmp_path):
    from pytorch_fid import fid_score

    batches = []
    for folder, coarse in {"drawn": 75, "photos": 15}.items():
        rng = np.random.default_rng(coarse)
        blocks = [rng.integers(0, 256, (coarse, coarse, 3), np.uint8) for _ in range(4)]
        images = [one.repeat(75 // coarse, axis=0).repeat(75 // coarse, axis=1) for one in blocks]
        (tmp_path / folder).mkdir()
        for number, image in enumerate(images):
            Image.fromarray(image).save(tmp_path / folder / f"{number}.png")
        batches.append([tensors.to_unit_range(tensors.stack(images))])
    folders = [str(tmp_path / "drawn"), str(tmp_path / "photos")]
    theirs = fid_score.calculate_fid_given_paths(folders, 4, "cpu", 2048, num_workers=0)
    with pytest.warns(UserWarning, match="of 4 images is biased"):
        ours = distributions.distances(*batches)
    assert theirs > 0 and ours["fid"] == pytest.approx(theirs, rel=1e-6)
    assert ours["kid_inception"]["se"] > 0


def test_efficientnet_features_of_a_stored_image_are_the_stored_figures():
    (features,) = distributions.features([noise(1, 3, 64, 64)], efficientnet.efficientnet_lite0())
    assert features.shape == (1280,)
    assert [features.mean(), features.std(), features.argmax()] == pytest.approx([0.0908368, 0.3912107, 434], rel=1e-3)


def test_frechet_distance_is_zero_for_equal_sets_and_the_closed_form_for_known_gaussians():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(500, 8))
    assert distributions.frechet_distance(x, x) == pytest.approx(0, abs=1e-6)
    # Moved by 3 in one of 8 dimensions and stretched to twice its size: 3^2 + sum of (2 s - s)^2.
    moved = 2 * (x - x.mean(axis=0)) + x.mean(axis=0) + np.eye(8)[0] * 3
    assert distributions.frechet_distance(moved, x) == pytest.approx(9 + x.var(axis=0, ddof=1).sum())


def test_squared_mmd_is_the_written_out_formula():
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(4, 3)), rng.normal(size=(5, 3))
    k = lambda a, b: (a @ b / 3 + 1) ** 3  # noqa: E731
    within_x = np.mean([k(x[i], x[j]) for i in range(4) for j in range(4) if i != j])
    within_y = np.mean([k(y[i], y[j]) for i in range(5) for j in range(5) if i != j])
    between = np.mean([k(a, b) for a in x for b in y])
    assert distributions.squared_mmd(x, y) == pytest.approx(within_x + within_y - 2 * between)


def test_kernel_distance_is_around_zero_for_one_distribution_and_clear_of_it_for_two():
    rng = np.random.default_rng(0)
    x, y, moved = rng.normal(size=(300, 16)), rng.normal(size=(300, 16)), rng.normal(0.5, size=(300, 16))
    same, other = distributions.kernel_distance(x, y), distributions.kernel_distance(x, moved)
    assert same["low"] < 0 < same["high"]
    assert 0 < same["se"] < (same["high"] - same["low"]) / 2, "some 95 % of the subsets lie within 2 of it"
    assert other["low"] > same["high"] and other["low"] < other["mean"] < other["high"]
    assert distributions.kernel_distance(x, y) == same, "seeded"


def test_canny_finds_the_outlines_of_windows_and_nothing_on_a_plain_wall():
    edges = canny(facade())
    assert edges.dtype == np.uint8 and edges.shape == (96, 96) and set(np.unique(edges)) == {0, 255}
    assert not canny(np.full((96, 96, 3), 200, np.uint8)).any()
    assert not edges[:, :10].any() and edges[18:42, 12:30].any()


def test_edge_f1_is_one_for_itself_and_within_the_tolerance_and_lower_beyond():
    assert edge_f1(facade(), facade()) == 1
    assert edge_f1(facade(shift=2), facade()) == 1
    assert edge_f1(facade(shift=5), facade()) < 0.8
    assert edge_f1(facade(shift=5), facade(), tolerance=5) == 1


def test_edge_f1_takes_edge_maps_and_counts_missing_and_extra_edges():
    line = np.zeros((32, 32), np.uint8)
    line[8] = 255
    two = line.copy()
    two[24] = 255
    assert edge_f1(two, line) == edge_f1(line, two) == pytest.approx(2 / 3)  # precision 1/2, recall 1
    assert edge_f1(np.roll(line, 10, axis=0), line) == 0
    assert edge_f1(np.zeros_like(line), line) == 0
    assert edge_f1(np.zeros_like(line), np.zeros_like(line)) == 1


def test_windows_are_counted_and_a_wall_without_them_has_none():
    assert count_windows(facade()) == 6
    assert count_windows(np.full((96, 96, 3), 200, np.uint8)) == 0
    assert window_count_error(facade(), 4) == window_count_error(facade(), 8) == 2


def test_a_window_of_four_panes_counts_once():
    image = facade()
    for top in (20, 56):
        image[top + 7] = 255
    for left in (14, 40, 66):
        image[20:34, left + 5] = image[56:70, left + 5] = 255
    assert count_windows(image) == 6


def test_the_same_windows_count_the_same_light_on_dark_coloured_and_in_a_larger_image():
    coloured = facade()
    coloured[..., 0], coloured[..., 2] = 120, 255 - coloured[..., 2]
    assert count_windows(255 - facade()) == count_windows(coloured) == 6
    assert count_windows(facade().repeat(3, axis=0).repeat(3, axis=1)) == 6


def test_the_bootstrap_interval_covers_the_true_mean_about_as_often_as_it_says():
    rng = np.random.default_rng(0)
    intervals = [bootstrap(rng.normal(size=40), seed=seed, level=0.9) for seed in range(200)]
    covered = np.mean([interval["low"] <= 0 <= interval["high"] for interval in intervals])
    assert 0.83 <= covered <= 0.95


def test_the_bootstrap_resamples_whole_photos():
    values, photos = np.repeat([0.0, 1, 2, 3, 4, 5, 6, 7], 25), np.repeat([*"abcdefgh"], 25)
    alone, grouped = bootstrap(values), bootstrap(values, photos)
    assert alone["mean"] == grouped["mean"] == 3.5
    assert grouped["high"] - grouped["low"] > 3 * (alone["high"] - alone["low"])
    assert bootstrap(np.arange(8.0), [*"abcdefgh"]) == bootstrap(np.arange(8.0))


def test_the_bootstrap_of_one_photo_has_a_mean_and_no_interval_and_of_none_is_refused():
    assert bootstrap([1, 2], ["a", "a"]) == {"mean": 1.5}
    with pytest.raises(ValueError, match="at least one value"):
        bootstrap([])
