"""Reading and writing images.  An image is a numpy array, (H, W, 3) uint8 RGB, or (H, W) uint8 where it is grey."""

from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import Literal, cast

import cv2
import numpy as np
from PIL import Image, ImageCms, ImageOps

from s2i.core.errors import Unreadable, UserError
from s2i.core.files import open_binary
from s2i.imaging import decoding
from s2i.imaging.decoding import PHOTO_SUFFIXES, readable

__all__ = ["PHOTO_SUFFIXES", "Unreadable", "readable"]  # what is known here of files, beside what is defined here
ORIENTATION = 0x0112  # the EXIF tag; images of 5 to 8 lie on their side
MAX_PROFILE = 2**22  # bytes of a colour profile; those of printers have 3 MB at most
COLOR_SPACES = {b"RGB ": "RGB", b"CMYK": "CMYK", b"GRAY": "L"}  # by what a profile's header calls them
BLANK = 12  # of 255: an image whose tones differ by less shows nothing
STRIP = 256  # rows that are laid on a background at a time
LANCZOS, NEAREST = Image.Resampling.LANCZOS, Image.Resampling.NEAREST
Background = Literal["white", "black"]


def read_photo(path: Path, max_megapixels: float, background: Background = "white") -> np.ndarray:
    """The image in a file as it is meant to be seen, see `decode_photo`."""
    return decode_photo(path, decoding.read_content(path, max_megapixels), max_megapixels, background)


def decode_photo(path: Path, content: bytes, max_megapixels: float, background: Background = "white") -> np.ndarray:
    """The image in the bytes of a file as it is meant to be seen, (H, W, 3) uint8 in sRGB.

    It is turned as its EXIF says, brought to sRGB where a colour profile is embedded, laid on the background where it
    is transparent; the first frame stands for an animation.
    path: for the sentences.  Raises Unreadable for what is not a whole image, and from the header alone for one of
    more than max_megapixels; UserError where the machine has too little memory.
    """
    with decoding.opened(path, content, max_megapixels) as image:
        return np.asarray(_in_srgb(_opaque(ImageOps.exif_transpose(image), background)))


def photo_size(path: Path, content: bytes, max_megapixels: float) -> tuple[int, int]:
    """Width and height of the image in a file as it is meant to be seen, from its header; raises as `decode_photo`."""
    with decoding.opened(path, content, max_megapixels) as image:
        # Not PNG's own getexif, which decodes the whole image to look behind it.
        turned = Image.Image.getexif(image).get(ORIENTATION, 1) in (5, 6, 7, 8)
        return (image.height, image.width) if turned else image.size


def decode_labels(path: Path, content: bytes, max_megapixels: float) -> np.ndarray:
    """A label map, (H, W) of the numbers that are stored, whatever palette colours them; raises as `decode_photo`."""
    with decoding.opened(path, content, max_megapixels) as image:
        mode, labels = image.mode, np.asarray(image)
    if labels.ndim != 2 or labels.dtype.kind not in "biu":
        raise Unreadable("no label map", f"(of mode {mode}: one whole number a pixel is wanted)")
    return labels


def size(path: Path) -> tuple[int, int]:
    """The width and height of one of our own images, from its header."""
    with _own(path) as image:
        return image.size


def read(path: Path) -> np.ndarray:
    """One of our own images in colour, on white where it is transparent, (H, W, 3) uint8; raises UserError."""
    with _own(path) as image:
        return np.asarray(_opaque(image).convert("RGB"))


def read_grey(path: Path) -> np.ndarray:
    """One of our own sketches or mattes, on white where it is transparent, (H, W) uint8; raises UserError."""
    with _own(path) as image:
        return np.asarray(_opaque(image).convert("L"))


def read_labels(path: Path) -> np.ndarray:
    """One of our own label maps, (H, W) of whole numbers; raises UserError."""
    with _own(path) as image:
        return np.asarray(image)


def grey(image: np.ndarray) -> np.ndarray:
    """The lightness of a colour image, (H, W) uint8."""
    return cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)


def is_blank(image: np.ndarray) -> bool:
    """Whether an image, (H, W, 3) or (H, W) uint8, shows nothing: no channel has tones that differ enough."""
    return int(np.ptp(image, axis=(0, 1)).max()) < BLANK


def write_png(path: Path, image: np.ndarray) -> None:
    """Write an image, making its folder."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(image).save(path)


def png_bytes(image: np.ndarray) -> bytes:
    """An image as the bytes of a PNG file."""
    content = BytesIO()
    Image.fromarray(image).save(content, "PNG")
    return content.getvalue()


def write_jpg(path: Path, image: np.ndarray, quality: int = 88) -> None:
    """Write an image to be looked at, a tenth as large as a PNG."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(image).save(path, "JPEG", quality=quality)


def resize_and_crop(image: np.ndarray, size: int | tuple[int, int], resample: Image.Resampling = LANCZOS) -> np.ndarray:
    """The middle of an image in another size, (width, height) or the side of a square; use NEAREST for labels."""
    new_width, new_height = (size, size) if isinstance(size, int) else size
    height, width = image.shape[:2]
    scale = min(width / new_width, height / new_height)
    left, top = (width - scale * new_width) / 2, (height - scale * new_height) / 2
    box = left, top, left + scale * new_width, top + scale * new_height
    return np.asarray(Image.fromarray(image).resize((new_width, new_height), resample, box))


@contextmanager
def _own(path: Path) -> Iterator[Image.Image]:
    """An image that a stage wrote, opened."""
    try:
        with open_binary(path) as file, Image.open(file, formats=decoding.formats()) as image:
            yield image
    except (OSError, SyntaxError, ValueError, KeyError) as error:
        reason = "it is missing" if isinstance(error, FileNotFoundError | KeyError) else decoding.broken(error).sentence
        raise UserError(
            f"{path} cannot be read: {reason}; delete the folder that a stage wrote it into, and run again."
        ) from None


def _opaque(image: Image.Image, background: Background = "white") -> Image.Image:
    """The image in RGB, CMYK or L, eight bits a channel, whatever it was stored as."""
    if image.has_transparency_data:
        return _laid_on(image, background)
    if image.mode.startswith("I") or image.mode == "F":
        values = np.asarray(image, dtype=np.float32)
        most = float(np.nanmax(values, initial=0))
        white_value = next((value for value in (1, 255) if most <= value and (value > 1 or image.mode == "F")), 65535)
        with np.errstate(invalid="ignore"):
            grey = np.nan_to_num(np.clip(values / white_value, 0, 1)) * 255
        return Image.fromarray(grey.round().astype(np.uint8))
    return image if image.mode in ("RGB", "CMYK", "L") else image.convert("RGB")


def _laid_on(image: Image.Image, background: Background) -> Image.Image:
    """A transparent image on a background, in RGB; in strips, which take less memory than the whole."""
    whole = Image.new("RGB", image.size)
    for top in range(0, image.height, STRIP):
        strip = image.crop((0, top, image.width, min(top + STRIP, image.height))).convert("RGBA")
        paper = Image.new("RGBA", strip.size, background)
        whole.paste(Image.alpha_composite(paper, strip).convert("RGB"), (0, top))
    whole.info["icc_profile"] = image.info.get("icc_profile")
    return whole


def _in_srgb(image: Image.Image) -> Image.Image:
    """The image in RGB, its colours brought from the profile that is embedded to sRGB."""
    if profile := _profile(image):
        try:
            embedded = ImageCms.ImageCmsProfile(BytesIO(profile))
            converted = ImageCms.profileToProfile(image, embedded, ImageCms.createProfile("sRGB"), outputMode="RGB")
            return cast(Image.Image, converted)  # None is for conversions in place
        except (ImageCms.PyCMSError, OSError):
            pass  # a profile that is broken says nothing: as if there were none
    return image.convert("RGB")


def _profile(image: Image.Image) -> bytes | None:
    """The colour profile that is embedded, if by its header it is one for images of this mode, and not too large."""
    profile = image.info.get("icc_profile")
    if not isinstance(profile, bytes) or not 128 < len(profile) <= MAX_PROFILE:
        return None
    size, signature = int.from_bytes(profile[:4], "big"), profile[36:40]
    fits = signature == b"acsp" and size <= len(profile) and COLOR_SPACES.get(profile[16:20]) == image.mode
    return profile if fits else None
