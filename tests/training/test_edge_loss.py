from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from diffusers import AutoencoderKL
from helpers.images import wall_with_windows

from s2i.core.params import EdgeLoss
from s2i.imaging import tensors
from s2i.imaging.edges import contours
from s2i.training.edge_loss import edge_distance, edge_loss, soft_edges

PROJECT = Path(__file__).parents[2]


def test_edges_are_where_lightness_jumps_and_stand_where_canny_has_them():
    image = wall_with_windows(6)
    edges = soft_edges(tensors.to_unit_range(tensors.stack([image])))
    assert edges.shape == (1, 3, 128, 128) and edges.min() >= -1 and edges.max() <= 1
    hard = contours(image) > 0
    assert edges[0, 0][torch.from_numpy(hard)].mean() > 0.5
    far = cv2.dilate(hard.astype(np.uint8), np.ones((9, 9))) == 0
    assert edges[0, 0][torch.from_numpy(far)].max() < -0.99


@pytest.fixture(scope="module")
def vae():
    return AutoencoderKL.from_pretrained(PROJECT / "data/base/vae", dtype=torch.float32).requires_grad_(False)


@torch.no_grad()
def encoded(vae, *images):
    return vae.config.scaling_factor * vae.encode(tensors.to_unit_range(tensors.stack(images))).latent_dist.mean


def test_the_target_itself_costs_nothing_and_an_image_with_fewer_windows_more(vae):
    loss = edge_loss(vae, EdgeLoss(weight=1))
    target, near, far = encoded(vae, wall_with_windows(12), wall_with_windows(10), wall_with_windows(2))
    same, fewer, least = (loss(one[None], target[None]).item() for one in (target, near, far))
    assert same == 0 and 0 < fewer < least


def test_windows_count_beside_the_edges(vae):
    target, far = encoded(vae, wall_with_windows(12), wall_with_windows(2)).split(1)
    edges = edge_loss(vae, EdgeLoss(weight=1, windows=0))(far, target)
    both = edge_loss(vae, EdgeLoss(weight=1, windows=0.1))(far, target)
    assert both.item() > edges.item() + 0.3, "ten windows at 0.1 each, as far as the counter sees them"


@pytest.mark.parametrize("windows", [0, 0.1])
def test_under_autocast_it_keeps_its_digits(vae, windows):
    target, far = encoded(vae, wall_with_windows(12), wall_with_windows(2)).split(1)
    loss = edge_loss(vae, EdgeLoss(weight=1, windows=windows))
    with torch.autocast("cpu", torch.bfloat16):
        cast = loss(far, target)
    assert cast.dtype == torch.float32
    torch.testing.assert_close(cast, loss(far, target), rtol=0.1, atol=0.05)


def test_its_gradient_leads_latents_to_the_target(vae):
    loss = edge_loss(vae, EdgeLoss(weight=1))
    target, latents = encoded(vae, wall_with_windows(12), wall_with_windows(2)).split(1)
    latents = latents.clone().requires_grad_()
    optimizer, values = torch.optim.Adam([latents], lr=0.05), []
    for _ in range(12):
        value = loss(latents, target).sum()
        optimizer.zero_grad()
        value.backward()
        optimizer.step()
        values.append(value.item())
    assert values[-1] < 0.7 * values[0]


def moved_edges(pixels):
    image = np.full((1, 128, 128, 3), 200, np.uint8)
    image[:, 40:90, 30 + pixels : 80 + pixels] = 60
    return soft_edges(tensors.to_unit_range(torch.from_numpy(image).permute(0, 3, 1, 2)))


def test_the_distance_of_edges_sees_a_shift_of_a_pixel_and_more_of_a_larger_one():
    distance = edge_distance("l1", torch.device("cpu"))
    target = moved_edges(0)
    by_pixels = [distance(moved_edges(pixels), target).item() for pixels in (0, 1, 2, 4, 8)]
    assert by_pixels[0] == 0 and by_pixels == sorted(by_pixels)
    assert by_pixels[1] > 0.2 * by_pixels[-1], "a window frame at 128 px is two pixels"


def test_a_shift_tolerant_distance_hardly_sees_it():
    target = moved_edges(0)
    tolerant = edge_distance("st_lpips", torch.device("cpu"))
    shares = {}
    for name, distance in (("l1", edge_distance("l1", torch.device("cpu"))), ("st_lpips", tolerant)):
        shares[name] = (distance(moved_edges(1), target) / distance(moved_edges(8), target)).item()
    assert shares["st_lpips"] < shares["l1"]
