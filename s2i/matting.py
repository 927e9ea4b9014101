"""The building cut from its background: U^2-Net mattes through rembg."""

import os
from collections.abc import Callable, Collection, Iterator
from difflib import get_close_matches
from functools import cache as once
from functools import partial
from pathlib import Path

import numpy as np
from PIL import Image

from s2i import cache, images, weights
from s2i.errors import UserError, first_line
from s2i.fan_out import fan_out
from s2i.params import Matte, Work

NO_SUBJECT = ("u2net_cloth_seg", "u2net_custom", "dis_custom", "ben_custom", "sam")  # want more than a picture


def cut_backgrounds(records: Collection[dict], folder: Path, params: Matte, work: Work) -> Iterator[dict]:
    """The records with `matte`.

    Writes mattes/ into folder; with background "white" or "transparent" also photos/ and sketches/ whose background is
    so, and points photo and sketches to them.  Raises UserError for a model that rembg does not know or cannot fetch.
    """
    fetch(params.model)  # once here, not by every process
    return fan_out(partial(_matted, folder=folder, params=params), records, "matting", work)


def matte(picture: np.ndarray, model: str = "u2netp") -> np.ndarray:
    """How much each pixel of a picture belongs to its subject, (H, W) uint8, 255 for wholly.

    picture: (H, W, 3) uint8.  Source: Qin et al., "U^2-Net: going deeper with nested U-structure", 2020.
    """
    (mask,) = _session(model).predict(Image.fromarray(picture))
    return np.asarray(mask)


def fetch(model: str) -> None:
    """See to it that the weights of one of rembg's models are on this machine; raises UserError if they cannot be."""
    if f"{model}.onnx" in weights.PACKAGED:
        weights.path(f"{model}.onnx")
        return
    from rembg.sessions import sessions_names

    known = [name for name in sessions_names if name not in NO_SUBJECT]
    if model not in known:
        close = get_close_matches(model, known, n=1)
        hint = f"did you mean '{close[0]}'?" if close else f"take one of {', '.join(known)}."
        raise UserError(f"matte.model is '{model}', which gives no matte of a subject; {hint}")
    try:
        _session(model)
    except Exception as error:  # rembg, pooch and onnxruntime fail in many ways without a network
        raise UserError(
            f"matte.model '{model}' could not be fetched ({first_line(error)}); u2netp is always there."
        ) from None


def on_nothing(picture: np.ndarray, matte: np.ndarray) -> np.ndarray:
    """A photo (H, W, 3) or sketch (H, W) with matte (H, W) uint8 as its alpha: (H, W, 4) uint8."""
    color = picture if picture.ndim == 3 else np.repeat(picture[..., None], 3, axis=2)
    return np.dstack([color, matte])


def on_white(picture: np.ndarray, matte: np.ndarray) -> np.ndarray:
    """A photo (H, W, 3) or sketch (H, W) laid on white where matte (H, W) uint8 is 0."""
    share = matte.astype(np.float32) / 255
    if picture.ndim == 3:
        share = share[..., None]
    return (picture * share + 255 * (1 - share)).round().astype(np.uint8)


def intersection_over_union(matte: np.ndarray, truth: np.ndarray) -> float:
    """IoU of two mattes (H, W) uint8, each cut at half; 1 when both are blank."""
    ours, theirs = matte >= 128, truth >= 128
    union = (ours | theirs).sum()
    return float((ours & theirs).sum() / union) if union else 1.0


@once
def _session(model: str):
    """One session a process.  Weights that s2i carries are where rembg looks; others it fetches and checks itself."""
    import onnxruntime
    from rembg import new_session

    os.environ["U2NET_HOME"] = str(weights.path("u2netp.onnx").parent)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1  # the photos are spread over the processes already
    return new_session(model, sess_opts=options)


def _matted(record: dict, folder: Path, params: Matte) -> dict:
    target = folder / "mattes" / f"{record['id']}.png"
    key = ("matte", cache.code(__name__), cache.file_hash(record["photo"]), params.model)

    def draw(draft: Path) -> None:
        images.write_png(draft, matte(images.read(Path(record["photo"])), params.model))

    cache.produce(target, draw, *key)
    matted = record | {"matte": str(target)}
    if params.background != "keep":
        cut = on_white if params.background == "white" else on_nothing
        matted |= _cut(record, images.read_grey(target), folder, cut)
    return matted


def _cut(record: dict, mask: np.ndarray, folder: Path, cut: Callable) -> dict:
    target = folder / "photos" / f"{record['id']}.png"
    images.write_png(target, cut(images.read(Path(record["photo"])), mask))
    sketches = {style: folder / "sketches" / f"{record['id']}-{style}.png" for style in record["sketches"]}
    for style, sketch in record["sketches"].items():
        images.write_png(sketches[style], cut(images.read_grey(Path(sketch)), mask))
    return {"photo": str(target), "sketches": {style: str(path) for style, path in sketches.items()}}
