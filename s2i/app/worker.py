"""What the page and the API ask for: images of sketches, step by step, by a model that loads behind the page."""

import base64
import random
import tempfile
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np

from s2i.core import params_file
from s2i.core.errors import UserError
from s2i.core.params import Generate, Params
from s2i.imaging import edges
from s2i.vocabulary import prompt_limits

MEGAPIXELS = 40
MOST_IMAGES = 4
BETWEEN_PREVIEWS = 0.4  # seconds: a preview has to be decoded, and that delays the image


class DrawRequest(NamedTuple):
    """How somebody wants a sketch drawn."""

    prompt: str
    steps: float
    guidance_scale: float
    conditioning_scale: float
    scheduler: str | None
    seed: float
    images: float


class Progress(NamedTuple):
    """A drawing on its way: ``preview`` (H, W, 3) uint8 is None before the first step, and where nothing is new."""

    number: int
    steps: int
    seconds_left: float | None
    preview: np.ndarray | None


class Result(NamedTuple):
    """PNG files with their parameters, and what the model saw by its names, "cleaned sketch" the first."""

    images: list[str]
    seen: dict[str, np.ndarray]
    parameters: dict
    seconds: float


class Worker:
    """A model that loads in a thread of its own and then draws one wish after the other.

    load() gives a `s2i.generation.model.SketchToImage`; folder: where images are put, for the page to remove.
    """

    def __init__(self, load: Callable, params: Params, folder: Path):
        self.params, self.folder = params, folder
        self._model = None
        self._computing = threading.Lock()
        self._thread = threading.Thread(target=self._load, args=(load,), daemon=True)

    def start(self) -> None:
        """Begin to load the model."""
        self._thread.start()

    def _load(self, load: Callable) -> None:
        try:
            self._model = load()
        except UserError as error:  # for the operator: it may name folders of the server
            print(f"s2i app: {error}", flush=True)
        except Exception:
            traceback.print_exc()

    def model(self):
        """The model, once it is loaded; raises UserError if it cannot be."""
        self._thread.join()
        if self._model is None:
            raise UserError("the model could not be loaded: the terminal of the server says why.")
        return self._model

    def draw(self, wish: DrawRequest, sketch: np.ndarray) -> Iterator[Progress | Result | str]:
        """Yield the progress, words of warning (str), and at the end the result; to cancel, stop asking.

        Raises UserError for a wish that cannot be fulfilled.
        """
        prompt, settings, seeds = self._checked(wish)
        yield Progress(0, settings.steps, None, None)
        model = self.model()
        warning = prompt_limits.warning(prompt, model.pipeline.tokenizer)
        if warning:
            yield warning
        began = shown = time.monotonic()
        for step in self._one_at_a_time(model.steps([sketch] * len(seeds), prompt, seeds, settings)):
            now, preview = time.monotonic(), None
            if now - shown > BETWEEN_PREVIEWS and step.step_index + 1 < step.num_steps:
                shown, preview = now, model.preview(step)
            number = step.step_index + 1
            left = (now - began) / number * (step.num_steps - number)
            yield Progress(number, step.num_steps, left, preview)
        from s2i.generation.model import save
        from s2i.imaging import control_images

        drawn = model.drawings(step, prompt, seeds, settings)
        place = self._place()
        files = [place / f"{_file_name(prompt)}-{one.parameters['seed']}.png" for one in drawn]
        for one, file in zip(drawn, files, strict=True):
            if warning:
                one.parameters["warning"] = warning
            save(one, file)
        seen = {"cleaned sketch": sketch, "edges": edges.canny(cv2.cvtColor(sketch, cv2.COLOR_GRAY2RGB))}
        (seen["material map"],) = control_images.control_images(sketch, ["material"], prompt)
        seen |= {f"to the model: {name}": one for name, one in model.controls(sketch, prompt).items()}
        yield Result([*map(str, files)], seen, drawn[0].parameters, time.monotonic() - began)

    def _place(self) -> Path:
        """A new folder for images; those that Gradio has emptied go."""
        for old in self.folder.glob("drawn-*"):
            with suppress(OSError):  # not empty yet
                old.rmdir()
        return Path(tempfile.mkdtemp(prefix="drawn-", dir=self.folder))

    def _one_at_a_time(self, steps: Iterator) -> Iterator:
        """The steps; that of a drawing just cancelled, which may still be computed, ends before another begins."""
        while True:
            with self._computing:
                step = next(steps, None)
            if step is None:
                return
            yield step

    def _checked(self, wish: DrawRequest) -> tuple[str, Generate, range]:
        numbers = {"steps": wish.steps, "images": wish.images, "seed": wish.seed}
        for name, number in numbers.items():
            if number is None or number != int(number):
                raise UserError(f"{name} is {number}; give a whole number.")
        if not 1 <= wish.images <= MOST_IMAGES:
            raise UserError(f"images is {wish.images:g}; take 1 to {MOST_IMAGES}.")
        if not 0 <= wish.seed < 2**31 - MOST_IMAGES:
            raise UserError(f"seed is {wish.seed:g}; take one from 0 to {2**31 - 1 - MOST_IMAGES}.")
        names = ("steps", "guidance_scale", "conditioning_scale", "scheduler")
        settings = params_file.changed(self.params.generate, {name: getattr(wish, name) for name in names})
        return prompt_limits.checked(wish.prompt or ""), settings, range(int(wish.seed), int(wish.seed + wish.images))

    def sketch(self, file: Path, side: int | None = None) -> np.ndarray:
        """An uploaded file straightened, (side, side) uint8, side being the model's resolution unless given."""
        from s2i.generation import user_sketch

        matte = self.params.matte
        side = side or self.params.resolution
        try:
            return user_sketch.read(file, side, MEGAPIXELS, matte.background, matte.model)
        except UserError as error:
            raise UserError(str(error).replace(file.name, "the sketch", 1)) from None

    def strokes(self, url: str) -> np.ndarray:
        """What was drawn in the browser, a data URL, as `sketch` gives it; raises UserError when nothing was."""
        if not url:
            raise UserError("there is no sketch: draw something first.")
        _, _, text = url.partition(",")
        try:
            content = base64.b64decode(text, validate=True)
        except ValueError:
            raise UserError("the sketch is no image: draw something first.") from None
        with tempfile.NamedTemporaryFile(dir=self.folder, suffix=".png") as file:
            file.write(content)
            file.flush()
            return self.sketch(Path(file.name))


def random_seed() -> int:
    """One that is easily noted down."""
    return random.randrange(10**6)


def _file_name(prompt: str) -> str:
    """The prompt as the beginning of a file's name, of at most 120 bytes: 255 are allowed, with all that is added."""
    name = "-".join("".join(one if one.isalnum() else " " for one in prompt).split())[:60]
    return name.encode()[:120].decode(errors="ignore") or "image"
