"""The worker behind the page and the API: it loads the model once, and makes images of one request after the other."""

import base64
import tempfile
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from s2i.app.messages import DrawRequest, Progress, Result
from s2i.core import params_file
from s2i.core.errors import UserError
from s2i.core.params import Generate, Params
from s2i.vocabulary import prompt_limits

if TYPE_CHECKING:
    from s2i.diffusion.sampling import Step
    from s2i.generation.model import SketchToImage

MAX_MEGAPIXELS = 40  # of an uploaded sketch
MAX_IMAGES = 4  # of a request
SECONDS_BETWEEN_PREVIEWS = 0.4  # a preview has to be decoded, and that delays the image
SETTINGS = ("steps", "guidance_scale", "control_guidance_scale", "conditioning_scale", "scheduler")


class Worker:
    """A model that loads in a thread of its own and then makes images of one request after the other.

    load: gives the model.  folder: where images are put, for the page to remove.
    """

    def __init__(self, load: Callable[[], "SketchToImage"], params: Params, folder: Path):
        self.params, self.folder = params, folder
        self._model: SketchToImage | None = None
        self._computing = threading.Lock()
        self._thread = threading.Thread(target=self._load, args=(load,), daemon=True)

    def start(self) -> None:
        """Begin to load the model."""
        self._thread.start()

    def _load(self, load: Callable[[], "SketchToImage"]) -> None:
        try:
            self._model = load()
        except UserError as error:  # for the operator: it may name folders of the server
            print(f"s2i app: {error}", flush=True)
        except Exception:
            traceback.print_exc()

    def model(self) -> "SketchToImage":
        """The model, once it is loaded; raises UserError if it cannot be."""
        self._thread.join()
        if self._model is None:
            raise UserError("the model could not be loaded: the terminal of the server says why.")
        return self._model

    def generate(self, request: DrawRequest, sketch: np.ndarray) -> Iterator[Progress | str | Result]:
        """Make images of a sketch that `sketch` gave: yield the progress, and the result at the end.

        A str among the progress is a warning.  To cancel, stop asking for more.
        Raises UserError for a request that cannot be fulfilled.
        """
        prompt, settings, seeds = self._checked(request)
        yield Progress(0, settings.steps, None, None)
        model = self.model()
        warning = prompt_limits.warning(prompt, settings.negative_prompt, model.pipeline.tokenizer)
        if warning:
            yield warning
        began = last_preview = time.monotonic()
        sketches = [sketch] * len(seeds)
        for step in self._one_at_a_time(model.denoise(sketches, prompt, seeds, settings)):
            now, preview = time.monotonic(), None
            number = step.step_index + 1
            if now - last_preview > SECONDS_BETWEEN_PREVIEWS and number < step.num_steps:
                last_preview, preview = now, model.preview(step, sketch)
            seconds_left = (now - began) / number * (step.num_steps - number)
            yield Progress(number, step.num_steps, seconds_left, preview)
        from s2i.generation.model import save  # torch and diffusers take seconds to import

        images = model.images(step, sketches, prompt, seeds, settings)
        folder = self._new_folder()
        files = [folder / f"{_file_name(prompt)}-{image.parameters['seed']}.png" for image in images]
        for image, file in zip(images, files, strict=True):
            if warning:
                image.parameters["warning"] = warning
            save(image, file)
        model_inputs = _model_inputs(model, sketch, prompt)
        yield Result([*map(str, files)], model_inputs, images[0].parameters, time.monotonic() - began)

    def _new_folder(self) -> Path:
        """A new folder for images; those that Gradio has emptied go."""
        for folder in self.folder.glob("drawn-*"):
            with suppress(OSError):  # not empty yet
                folder.rmdir()
        return Path(tempfile.mkdtemp(prefix="drawn-", dir=self.folder))

    def _one_at_a_time(self, steps: Iterator["Step"]) -> Iterator["Step"]:
        """The steps; a step of a request just cancelled, which may still be computed, ends before another begins."""
        while True:
            with self._computing:
                step = next(steps, None)
            if step is None:
                return
            yield step

    def _checked(self, request: DrawRequest) -> tuple[str, Generate, range]:
        """The prompt, the settings and the seeds of a request; raises UserError for what is out of range."""
        numbers = {"steps": request.steps, "images": request.images, "seed": request.seed}
        for name, number in numbers.items():
            if number is None or number != int(number):
                raise UserError(f"{name} is {number}; give a whole number.")
        if not 1 <= request.images <= MAX_IMAGES:
            raise UserError(f"images is {request.images:g}; take 1 to {MAX_IMAGES}.")
        if not 0 <= request.seed < 2**31 - MAX_IMAGES:
            raise UserError(f"seed is {request.seed:g}; take one from 0 to {2**31 - 1 - MAX_IMAGES}.")
        changes = {name: getattr(request, name) for name in SETTINGS}
        changes["negative_prompt"] = prompt_limits.checked(request.negative_prompt or "", "negative prompt")
        settings = params_file.changed(self.params.generate, changes)
        seeds = range(int(request.seed), int(request.seed + request.images))
        return prompt_limits.checked(request.prompt or ""), settings, seeds

    def sketch(self, file: Path, side: int | None = None) -> np.ndarray:
        """An uploaded file as `user_sketch.read` gives it; side: pixels, the model's resolution unless given.

        Raises UserError when the file is no image, is too large, or shows no strokes.
        """
        from s2i.generation import user_sketch

        try:
            return user_sketch.read(file, self.params, MAX_MEGAPIXELS, side)
        except UserError as error:
            sentence = str(error).replace(str(file), "the sketch").replace(file.name, "the sketch")
            raise UserError(sentence) from None

    def strokes(self, data_url: str) -> np.ndarray:
        """What was drawn in the browser, straightened as by `sketch`; raises UserError when nothing was."""
        if not data_url:
            raise UserError("there is no sketch: draw something first.")
        _, _, text = data_url.partition(",")
        try:
            content = base64.b64decode(text, validate=True)
        except ValueError:
            raise UserError("the sketch is no image: draw something first.") from None
        with tempfile.NamedTemporaryFile(dir=self.folder, suffix=".png") as file:
            file.write(content)
            file.flush()
            return self.sketch(Path(file.name))


def _model_inputs(model: "SketchToImage", sketch: np.ndarray, prompt: str) -> dict[str, np.ndarray]:
    """By name what the model can be given of a sketch, and then what this one was given."""
    from s2i.imaging import control_images

    others = control_images.control_images(sketch, ["edges", "material"], prompt)
    images = {"cleaned sketch": sketch} | dict(zip(("edges", "material map"), others, strict=True))
    return images | {f"to the model: {name}": image for name, image in model.control_images(sketch, prompt).items()}


def _file_name(prompt: str) -> str:
    """The prompt as the beginning of a file's name, of at most 120 bytes: 255 are allowed, with all that is added."""
    name = "-".join("".join(letter if letter.isalnum() else " " for letter in prompt).split())[:60]
    return name.encode()[:120].decode(errors="ignore") or "image"
