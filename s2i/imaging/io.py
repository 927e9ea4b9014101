"""Reading and writing images.  An image is a numpy array, (H, W, 3) uint8 RGB, or (H, W) uint8 where it is grey."""

import warnings
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import cast

import cv2
import numpy as np
from PIL import Image, ImageCms, ImageOps, UnidentifiedImageError

from s2i.core.files import open_binary

ORIENTATION = 0x0112  # the EXIF tag; images of 5 to 8 lie on their side
PHOTO_SUFFIXES = frozenset(
    {".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".webp", ".bmp", ".tif", ".tiff", ".gif", ".avif", ".heic", ".heif"}
)
LANCZOS, NEAREST = Image.Resampling.LANCZOS, Image.Resampling.NEAREST


class Unreadable(Exception):
    """A file that is no image, or not a whole one; `reason` says why in a few words, `detail` what was found."""

    def __init__(self, reason: str, detail: str = ""):
        super().__init__(reason, detail)
        self.reason, self.detail = reason, detail


@cache
def readable() -> frozenset[str]:
    """The suffixes of photos that are read on this machine; HEIC where the package pillow-heif is installed."""
    try:
        from pillow_heif import register_heif_opener

        register_heif_opener()
    except ImportError:
        pass
    return PHOTO_SUFFIXES & Image.registered_extensions().keys()


def read_photo(path: Path, max_megapixels: float) -> np.ndarray:
    """Any image file as it is meant to be seen, (H, W, 3) uint8 in sRGB.

    It is turned as its EXIF says, brought to sRGB where a colour profile is embedded, laid on white where it is
    transparent; the first frame stands for an animation.  Raises Unreadable for what is not a whole image, and
    from the header alone for one of more than max_megapixels.
    """
    with _open(path, max_megapixels) as image:
        try:
            return np.asarray(_in_srgb(_opaque(ImageOps.exif_transpose(image))))
        except Exception as error:  # decoders of many formats fail in many ways on broken files
            raise _broken(error) from None


def photo_size(path: Path, max_megapixels: float) -> tuple[int, int]:
    """Width and height of an image file as it is meant to be seen, from its header; raises as `read_photo`."""
    with _open(path, max_megapixels) as image:
        try:
            # Not PNG's own getexif, which decodes the whole image to look behind it.
            turned = Image.Image.getexif(image).get(ORIENTATION, 1) >= 5
        except Exception as error:  # see read_photo
            raise _broken(error) from None
        return (image.height, image.width) if turned else image.size


def read(path: Path) -> np.ndarray:
    """One of our own images in colour, on white where it is transparent, (H, W, 3) uint8."""
    with open_binary(path) as file, Image.open(file) as image:
        return np.asarray(_opaque(image).convert("RGB"))


def read_grey(path: Path) -> np.ndarray:
    """One of our own sketches or mattes, on white where it is transparent, (H, W) uint8."""
    with open_binary(path) as file, Image.open(file) as image:
        return np.asarray(_opaque(image).convert("L"))


def read_labels(path: Path) -> np.ndarray:
    """A label map, (H, W) of the numbers that are stored, whatever palette colours them; raises Unreadable."""
    try:
        with open_binary(path) as file, Image.open(file) as image:
            labels = np.asarray(image)
    except Exception as error:  # see read_photo
        raise _broken(error) from None
    if labels.ndim != 2 or labels.dtype.kind not in "biu":
        raise Unreadable("no label map", f"(of mode {image.mode}: one whole number a pixel is wanted)")
    return labels


def grey(image: np.ndarray) -> np.ndarray:
    """The lightness of a colour image, (H, W) uint8."""
    return cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)


def write_png(path: Path, image: np.ndarray) -> None:
    """Write an image, making its folder."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(image).save(path)


def write_jpg(path: Path, image: np.ndarray, quality: int = 88) -> None:
    """Write an image to be looked at, a tenth as large as a PNG."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(image).save(path, "JPEG", quality=quality)


def resize_and_crop(image: np.ndarray, resolution: int, resample: Image.Resampling = LANCZOS) -> np.ndarray:
    """The middle square of an image at resolution x resolution; use NEAREST for labels."""
    height, width = image.shape[:2]
    side = min(height, width)
    left, top = (width - side) / 2, (height - side) / 2
    square = (left, top, left + side, top + side)
    return np.asarray(Image.fromarray(image).resize((resolution, resolution), resample, square))


def _open(path: Path, max_megapixels: float) -> Image.Image:
    """The file with its header read; the caller closes it."""
    if path.is_symlink() and not path.exists():
        raise Unreadable("broken link")
    if not path.is_file():
        raise Unreadable("missing")
    if path.stat().st_size == 0:
        raise Unreadable("empty file")
    readable()  # plug-ins are registered once a process
    too_large = f"more than {max_megapixels:g} megapixels"
    try:
        with warnings.catch_warnings(action="ignore", category=Image.DecompressionBombWarning):
            image = Image.open(path)
    except UnidentifiedImageError:
        raise Unreadable("not an image") from None
    except Image.DecompressionBombError:
        raise Unreadable(too_large) from None
    except Exception as error:  # see read_photo
        raise _broken(error) from None
    if image.width * image.height > max_megapixels * 1e6:
        image.close()
        raise Unreadable(too_large, f"({image.width} x {image.height})")
    return image


def _broken(error: Exception) -> Unreadable:
    """What a decoder's own error means to the user."""
    return Unreadable("truncated" if "truncated" in str(error).lower() else "broken image", f"({error})")


def _opaque(image: Image.Image) -> Image.Image:
    """The image in RGB, CMYK or L, eight bits a channel, whatever it was stored as."""
    if image.has_transparency_data:
        white = Image.new("RGBA", image.size, "white")
        profile = image.info.get("icc_profile")
        image = Image.alpha_composite(white, image.convert("RGBA")).convert("RGB")
        image.info["icc_profile"] = profile
        return image
    if image.mode.startswith("I") or image.mode == "F":
        values = np.asarray(image, dtype=np.float32)
        white_value = next((value for value in (1, 255) if image.mode == "F" and values.max() <= value), 65535)
        return Image.fromarray((np.clip(values / white_value, 0, 1) * 255).round().astype(np.uint8))
    return image if image.mode in ("RGB", "CMYK", "L") else image.convert("RGB")


def _in_srgb(image: Image.Image) -> Image.Image:
    """The image in RGB, its colours brought from the profile that is embedded to sRGB."""
    profile = image.info.get("icc_profile")
    if profile:
        try:
            embedded = ImageCms.ImageCmsProfile(BytesIO(profile))
            converted = ImageCms.profileToProfile(image, embedded, ImageCms.createProfile("sRGB"), outputMode="RGB")
            return cast(Image.Image, converted)  # None is for conversions in place
        except (ImageCms.PyCMSError, OSError):
            pass  # a profile that is broken or meant for other channels says nothing: as if there were none
    return image.convert("RGB")
