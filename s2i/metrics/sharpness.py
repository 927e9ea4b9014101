"""How crisp an image is beside another: the energy of its finest detail, and that of whole octaves of detail."""

import cv2
import numpy as np

# Octaves of spatial frequencies in cycles a pixel; the last one ends at the finest that pixels can hold.
BANDS = {"coarse": (1 / 16, 1 / 8), "middle": (1 / 8, 1 / 4), "fine": (1 / 4, 1 / 2)}


def laplacian_variance(image: np.ndarray) -> float:
    """The variance of the Laplacian of the lightness, 0 for an even image.

    image: (H, W, 3) uint8 RGB, or (H, W) uint8.
    Source: Pech-Pacheco et al., "Diatom autofocusing in brightfield microscopy", ICPR 2000.
    """
    return float(cv2.Laplacian(_grey(image), cv2.CV_64F).var())


def sharpness(generated: np.ndarray, target: np.ndarray) -> float:
    """The variance of the Laplacian as a share of the target's: 1 as crisp, below it blurred, above it noisy.

    generated, target: (H, W, 3) uint8 RGB; NaN where the target is even.
    """
    scale = laplacian_variance(target)
    return laplacian_variance(generated) / scale if scale else float("nan")


def band_powers(image: np.ndarray) -> dict[str, float]:
    """The power of the lightness in each octave of `BANDS`, by name.

    image: (H, W, 3) uint8 RGB, or (H, W) uint8.  A Hann window keeps the jump between opposite borders out.
    """
    grey = _grey(image).astype(float)
    height, width = grey.shape
    window = np.outer(np.hanning(height), np.hanning(width))
    power = np.abs(np.fft.fft2((grey - grey.mean()) * window)) ** 2
    frequency = np.hypot(np.fft.fftfreq(height)[:, None], np.fft.fftfreq(width))
    return {name: float(power[(frequency >= low) & (frequency < high)].sum()) for name, (low, high) in BANDS.items()}


def band_power_ratios(generated: np.ndarray, target: np.ndarray) -> dict[str, float]:
    """{"band_power_coarse", ...}: the power in each octave as a share of the target's; NaN where it has none.

    generated, target: (H, W, 3) uint8 RGB.
    """
    powers, scales = band_powers(generated), band_powers(target)
    return {f"band_power_{name}": powers[name] / scales[name] if scales[name] else float("nan") for name in BANDS}


def _grey(image: np.ndarray) -> np.ndarray:
    return image if image.ndim == 2 else cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
