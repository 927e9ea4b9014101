"""Reading and writing pictures.  A picture is a numpy array, (H, W, 3) uint8 RGB, or (H, W) uint8 where it is grey."""

import warnings
from functools import cache
from io import BytesIO
from pathlib import Path

import cv2
import numpy as np
from PIL import Image, ImageCms, ImageOps, UnidentifiedImageError

from s2i.core.files import open_binary

ORIENTATION = 0x0112  # the EXIF tag; 5 to 8 stand on their side
PHOTOS = frozenset(
    {".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".webp", ".bmp", ".tif", ".tiff", ".gif", ".avif", ".heic", ".heif"}
)
LANCZOS, NEAREST = Image.Resampling.LANCZOS, Image.Resampling.NEAREST


class Unreadable(Exception):
    """A file that is no picture, or not a whole one; `reason` says why in a few words, `detail` what was found."""

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
    return PHOTOS & Image.registered_extensions().keys()


def read_photo(path: Path, max_megapixels: float) -> np.ndarray:
    """Any picture file as it is meant to be seen, (H, W, 3) uint8 in sRGB.

    It is turned as its EXIF says, brought to sRGB where a colour profile is embedded, laid on white where it is
    transparent; the first frame stands for an animation.  Raises Unreadable for what is not a whole picture, and
    from the header alone for one of more than max_megapixels.
    """
    with _open(path, max_megapixels) as picture:
        try:
            return np.asarray(_in_srgb(_opaque(ImageOps.exif_transpose(picture))))
        except Exception as error:  # decoders of many formats fail in many ways on broken files
            raise _broken(error) from None


def photo_size(path: Path, max_megapixels: float) -> tuple[int, int]:
    """Width and height of a picture file as it is meant to be seen, from its header; raises as `read_photo`."""
    with _open(path, max_megapixels) as picture:
        try:
            # Not PNG's own getexif, which decodes the whole picture to look behind it.
            turned = Image.Image.getexif(picture).get(ORIENTATION, 1) >= 5
        except Exception as error:  # see read_photo
            raise _broken(error) from None
        return (picture.height, picture.width) if turned else picture.size


def read(path: Path) -> np.ndarray:
    """One of our own pictures in colour, on white where it is transparent, (H, W, 3) uint8."""
    with open_binary(path) as file, Image.open(file) as picture:
        return np.asarray(_opaque(picture).convert("RGB"))


def read_grey(path: Path) -> np.ndarray:
    """One of our own sketches or mattes, on white where it is transparent, (H, W) uint8."""
    with open_binary(path) as file, Image.open(file) as picture:
        return np.asarray(_opaque(picture).convert("L"))


def read_labels(path: Path) -> np.ndarray:
    """A label map, (H, W) of the numbers that are stored, whatever palette colours them; raises Unreadable."""
    try:
        with open_binary(path) as file, Image.open(file) as picture:
            labels = np.asarray(picture)
    except Exception as error:  # see read_photo
        raise _broken(error) from None
    if labels.ndim != 2 or labels.dtype.kind not in "biu":
        raise Unreadable("no label map", f"(of mode {picture.mode}: one whole number a pixel is wanted)")
    return labels


def grey(picture: np.ndarray) -> np.ndarray:
    """The lightness of a colour picture, (H, W) uint8."""
    return cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)


def write_png(path: Path, picture: np.ndarray) -> None:
    """Write a picture, making its folder."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(picture).save(path)


def write_jpg(path: Path, picture: np.ndarray, quality: int = 88) -> None:
    """Write a picture to be looked at, a tenth as large as a PNG."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(picture).save(path, "JPEG", quality=quality)


def resize_and_crop(picture: np.ndarray, resolution: int, resample: Image.Resampling = LANCZOS) -> np.ndarray:
    """The middle square of a picture at resolution x resolution; use NEAREST for labels."""
    height, width = picture.shape[:2]
    side = min(height, width)
    left, top = (width - side) / 2, (height - side) / 2
    square = (left, top, left + side, top + side)
    return np.asarray(Image.fromarray(picture).resize((resolution, resolution), resample, square))


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
            picture = Image.open(path)
    except UnidentifiedImageError:
        raise Unreadable("not a picture") from None
    except Image.DecompressionBombError:
        raise Unreadable(too_large) from None
    except Exception as error:  # see read_photo
        raise _broken(error) from None
    if picture.width * picture.height > max_megapixels * 1e6:
        picture.close()
        raise Unreadable(too_large, f"({picture.width} x {picture.height})")
    return picture


def _broken(error: Exception) -> Unreadable:
    return Unreadable("truncated" if "truncated" in str(error).lower() else "broken picture", f"({error})")


def _opaque(picture: Image.Image) -> Image.Image:
    """The picture in RGB, CMYK or L, eight bits a channel, whatever it was stored as."""
    if picture.has_transparency_data:
        white = Image.new("RGBA", picture.size, "white")
        profile = picture.info.get("icc_profile")
        picture = Image.alpha_composite(white, picture.convert("RGBA")).convert("RGB")
        picture.info["icc_profile"] = profile
        return picture
    if picture.mode.startswith("I") or picture.mode == "F":
        values = np.asarray(picture, dtype=np.float32)
        full = next((one for one in (1, 255) if picture.mode == "F" and values.max() <= one), 65535)
        return Image.fromarray((np.clip(values / full, 0, 1) * 255).round().astype(np.uint8))
    return picture if picture.mode in ("RGB", "CMYK", "L") else picture.convert("RGB")


def _in_srgb(picture: Image.Image) -> Image.Image:
    profile = picture.info.get("icc_profile")
    if profile:
        try:
            embedded = ImageCms.ImageCmsProfile(BytesIO(profile))
            return ImageCms.profileToProfile(picture, embedded, ImageCms.createProfile("sRGB"), outputMode="RGB")
        except (ImageCms.PyCMSError, OSError):
            pass  # a profile that is broken or meant for other channels says nothing: as if there were none
    return picture.convert("RGB")
