"""The light of the day: a bitmap of sky and clouds, and a sun."""

import cv2
import numpy as np

from s2i.embedded.rendering.grammar import Building

HEIGHT, WIDTH = 192, 384  # pixels of the sky


def sky(building: Building) -> np.ndarray:
    """(HEIGHT, WIDTH, 3) linear radiance, latitude by longitude, the zenith in the first row."""
    rng = np.random.default_rng([building.seed, 11])
    elevation = np.linspace(90, -90, HEIGHT, dtype=np.float32)[:, None]
    up = np.clip(elevation / 90, 0, 1) ** 0.55
    warmth = np.clip((30 - building.day.sun_elevation) / 14, 0, 1) * (building.day.overcast == 0)
    zenith = np.array([0.10, 0.25, 0.62]) * rng.uniform(0.9, 1.15)
    horizon = np.array([0.52, 0.70, 0.94]) * (1 - warmth) + np.array([1.0, 0.76, 0.52]) * warmth
    dusk = np.clip((14 - building.day.sun_elevation) / 6, 0, 1)
    horizon += (np.array([0.95, 0.52, 0.30]) - horizon) * dusk
    zenith += (np.array([0.09, 0.15, 0.36]) - zenith) * dusk
    clear = horizon + (zenith - horizon) * up[..., None] ** (1 - 0.4 * dusk)
    cover = _clouds(rng, building.day.clouds) * np.clip((elevation - 1) / 8, 0, 1)
    white = np.array([1.0, 0.99, 0.97]) * (1 - 0.5 * warmth) + np.array([1.0, 0.82, 0.66]) * 0.5 * warmth
    white += (np.array([0.80, 0.50, 0.42]) - white) * dusk
    fair = clear + (white * 1.02 - clear) * (0.9 * cover)[..., None]
    dull = np.array([0.70, 0.73, 0.78]) * (0.92 + 0.16 * _clouds(rng, 0.5)[..., None])
    light = fair * (1 - building.day.overcast) + dull * building.day.overcast
    return np.where(elevation[..., None] < -2, 0, light).astype(np.float32)


def sun(building: Building) -> tuple[np.ndarray, np.ndarray]:
    """The direction (3,) the light travels in and its linear irradiance (3,); almost none on an overcast day."""
    azimuth, elevation = (
        np.radians(building.day.sun_azimuth + building.shot.azimuth * 0.6),
        np.radians(building.day.sun_elevation),
    )
    towards = np.array([np.sin(azimuth) * np.cos(elevation), -np.cos(azimuth) * np.cos(elevation), np.sin(elevation)])
    late = np.clip((30 - building.day.sun_elevation) / 14, 0, 1)
    tint = np.array([1.0, 0.96, 0.9]) * (1 - late) + np.array([1.0, 0.86, 0.68]) * late
    dusk = np.clip((14 - building.day.sun_elevation) / 6, 0, 1)
    tint += (np.array([0.78, 0.46, 0.22]) - tint) * dusk
    return -towards, 2.9 * tint * (1 - building.day.overcast) ** 2


def exposure(building: Building) -> float:
    """What a photographer would multiply the light by."""
    return {"evening": 1.55, "overcast": 1.3}.get(building.day.light, 1.2)


def _clouds(rng: np.random.Generator, amount: float) -> np.ndarray:
    """Heaps that tile round the horizon, 0..1, `amount` of the sky covered."""
    total = np.zeros((HEIGHT, WIDTH), np.float32)
    for octave, (tall, wide) in enumerate([(8, 10), (16, 22), (32, 44), (64, 96)]):
        grid = rng.normal(0, 1, (tall, wide)).astype(np.float32)
        grid = np.concatenate([grid[:, -2:], grid, grid[:, :2]], 1)
        step = WIDTH / wide
        big = cv2.resize(grid, (round(WIDTH + 4 * step), HEIGHT), interpolation=cv2.INTER_CUBIC)
        total += big[:, round(2 * step) : round(2 * step) + WIDTH] * 0.55**octave
    edge = np.quantile(total, 1 - amount)
    t = np.clip((total - edge) / (0.9 * total.std()), 0, 1)
    return t * t * (3 - 2 * t)
