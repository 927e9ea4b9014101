"""The embedded window counter, on photos and on walls whose windows are counted."""

from pathlib import Path

import pandas as pd
import pytest
import torch
from helpers.images import wall_with_windows

from s2i.core.errors import UserError
from s2i.imaging import io, tensors
from s2i.networks.window_counter import WindowDensity

PROJECT = Path(__file__).parents[2]
EMBEDDED = PROJECT / "data/base/windows.safetensors"


@pytest.fixture(scope="module")
def photos():
    """The embedded photos at 128 px, (N, 3, 128, 128), and their table."""
    table = pd.read_csv(PROJECT / "data/photos/photos.csv")
    images = [io.resize_and_crop(io.read(PROJECT / "data/photos" / file), 128) for file in table["file"]]
    return tensors.to_unit_range(tensors.stack(images)), table


def test_the_embedded_counter_ranks_photos_it_has_never_seen_by_their_windows(photos):
    images, table = photos
    counts = pd.Series(WindowDensity.load(EMBEDDED).count(images).numpy())
    assert counts.corr(table["windows"], method="spearman") > 0.8
    assert (counts - table["windows"]).abs().mean() < 3


def test_more_windows_count_more_and_the_gradient_says_where():
    counter = WindowDensity.load(EMBEDDED)
    walls = tensors.to_unit_range(
        tensors.stack([wall_with_windows(4), wall_with_windows(8), wall_with_windows(12)])
    ).requires_grad_()
    counts = counter.count(walls)
    assert counts[0] < counts[1] < counts[2]
    counts[0].backward()
    slope = walls.grad[0].abs().sum(dim=0)
    assert slope[:60].mean() > slope[80:].mean(), "the four windows are in the upper row"


def test_an_image_of_another_size_is_counted_alike(photos):
    counter = WindowDensity.load(EMBEDDED)
    large = torch.nn.functional.interpolate(photos[0][:8], scale_factor=2, mode="bilinear")
    torch.testing.assert_close(counter.count(large), counter.count(photos[0][:8]), rtol=0.25, atol=1)


def test_a_counter_that_is_none_is_one_clear_sentence(tmp_path):
    (tmp_path / "broken.safetensors").write_bytes(b"no weights")
    for name in ("missing.safetensors", "broken.safetensors"):
        with pytest.raises(UserError, match=rf"{name} holds no window counter .*; restore it with git\."):
            WindowDensity.load(tmp_path / name)
