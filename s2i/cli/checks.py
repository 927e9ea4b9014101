"""What a run would do, found out before it: where photos go, which weights are there, memory, disk and hours.

Every stage is asked by its own functions; what it would refuse is said in its own sentence.
"""

import shutil
import tempfile
import warnings
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from s2i.core import cache
from s2i.core.errors import UserError
from s2i.core.params import Params
from s2i.dataset.ingest.photos import ingest

MANY_VIEWS = 1000  # of a photo, in a training: it is known by heart by then
FEW_PHOTOS, MUCH_TESTED = 60, 0.25  # with fewer photos than that, more than this share to test with leaves few to learn
SKETCHES_A_PHOTO = 3  # that are drawn and scored, in pair.styles as they come
FORWARD = 1 / 3  # of a training step's time, without gradients
LEVELS = 8  # at which a validation example's loss is computed


class Photos(NamedTuple):
    """What ingest makes of a folder: its records and figures."""

    records: list[dict]
    figures: Mapping[str, Any]

    def sentence(self) -> str:
        """How many photos go where, and why some are not used."""
        counts = ", ".join(f"{self.figures[split]} {split}" for split in ("train", "val", "test"))
        reasons = ", ".join(f"{count} {why}" for why, count in self.figures["quarantined_by_reason"].items())
        return f"{self.figures['photos']} photos: {counts}" + (f"; not used: {reasons}" if reasons else "")


def read_photos(folder: Path, params: Params) -> Photos:
    """The photos of a folder as ingest would split them; what it has read stays in the cache for it.

    Raises UserError as ingest does.
    """
    with tempfile.TemporaryDirectory() as target:
        return Photos(*ingest(folder, Path(target), params.resolution, params.seed, params.ingest, params.workers))


def lines(folder: Path, params: Params, measure: bool = True) -> Iterator[tuple[str, str]]:
    """What there is to say, a line at a time: its subject and a sentence; "!" begins what stops or spoils a run.

    measure: whether to take a few training steps, for memory and hours.
    """
    photos = None
    try:
        photos = read_photos(folder, params)
        yield "photos", photos.sentence()
    except UserError as error:
        yield "! photos", str(error)
    yield from _weights(params)
    if photos:
        yield from (("! params.yaml", sentence) for sentence in doubts(photos, params))
    if measure and params.method == "controlnet":
        yield from _costs(photos, params)


def _weights(params: Params) -> Iterator[tuple[str, str]]:
    """The weights of every stage, there or missing."""
    for key in ("base", "controlnet"):
        name = getattr(params, key)
        if Path(name).is_dir():
            yield key, f"{name}, a folder here"
        elif name.count("/") != 1:
            yield f"! {key}", f"{name} is no folder here and no hub id: set {key} to one of them"
        elif _in_hub_cache(name):
            yield key, f"{name}, in the cache of the model hub"
        else:
            yield f"! {key}", f"{name} is not on this machine: it is downloaded from the model hub, several GB"
    for subject, look in _lookups(params).items():
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                yield subject, look()
            except UserError as error:
                yield f"! {subject}", str(error)


def _in_hub_cache(name: str) -> bool:
    from huggingface_hub import try_to_load_from_cache

    if name.count("/") != 1:
        return False
    return any(isinstance(try_to_load_from_cache(name, file), str) for file in ("model_index.json", "config.json"))


def _lookups(params: Params) -> dict[str, Callable[[], str]]:
    """By subject, the function of a stage that fetches or opens what it needs, and what to say where that goes well."""
    from s2i.core import devices
    from s2i.dataset.captioning.attributes import check_there
    from s2i.dataset.captioning.questions import questions_of
    from s2i.dataset.captioning.server import Server
    from s2i.dataset.matting import u2net
    from s2i.metrics import perceptual
    from s2i.networks import lpips, weights
    from s2i.networks.window_counter import WindowDensity

    def opened(what: str, look: Callable[[], object]) -> Callable[[], str]:
        def sentence() -> str:
            look()
            return what

        return sentence

    def device() -> str:
        kind, precision = devices.pick(params.device, params.precision)
        return f"{kind.type} in {precision}"

    lookups: dict[str, Callable[[], str]] = {"device": device}
    model = params.matte.model
    lookups["matte"] = opened(f"{model}, there", lambda: u2net.fetch(model))
    if "attributes" in params.caption.by:
        file = params.caption.attributes
        lookups["caption"] = opened(f"{file}, there", lambda: check_there(Path(file)))
    if "vlm" in params.caption.by:
        vlm = params.caption.vlm
        lookups["questions"] = opened("there", lambda: questions_of(vlm.question))
        if vlm.server:
            lookups["vlm"] = opened(f"{vlm.server} answers", lambda: Server(vlm).check_there())
    if "hed" in params.pair.styles:
        lookups["hed"] = opened("there", lambda: weights.path("hed_bsds500.weights.h5"))
    if params.train.edge.weight:
        counter = params.train.edge.counter
        lookups["edge loss"] = opened(f"{counter}, there", lambda: WindowDensity.load(counter))
    lookups["scores"] = opened("st_lpips, there", lambda: weights.path("alex_shift_tolerant.pth"))
    for metric, net in perceptual.LPIPS_VARIANTS.items():
        lookups[metric] = opened("there", partial(lpips.trunk, net))
    return lookups


def doubts(photos: Photos, params: Params) -> Iterator[str]:
    """What in the parameters looks wrong for these photos."""
    count, train, settings = photos.figures["photos"], photos.figures["train"], params.train
    tested = photos.figures["test"] / count
    if count < FEW_PHOTOS and tested > MUCH_TESTED and not params.ingest.folds:
        yield (
            f"ingest.test {params.ingest.test} keeps {photos.figures['test']} of {count} photos from the training: "
            "0.18 is enough, and ingest.folds tests with each of them"
        )
    if (views := settings.steps * settings.batch_size / train) > MANY_VIEWS:
        yield (
            f"train.steps {settings.steps} shows each of {train} photos {views:,.0f} times: some hundred times teach "
            "what there is to learn"
        )
    if settings.validate_every > settings.steps:
        yield f"train.validate_every {settings.validate_every} is beyond train.steps: no validation chooses the weights"
    if not Path(params.base).is_dir() and params.resolution < 512:
        yield f"resolution {params.resolution} is less than the 512 that {params.base} has learned"
    if params.pair.styles == ["given"] and not all(record.get("given_sketches") for record in photos.records):
        yield "pair.styles is [given], and some photos came without a sketch: add pencil or xdog"


def _costs(photos: Photos | None, params: Params) -> Iterator[tuple[str, str]]:
    """Memory, disk and hours, from a few steps of the training."""
    from s2i.core import devices, system
    from s2i.training.step_cost import measure

    if not (Path(params.base).is_dir() or _in_hub_cache(params.base)):
        yield "memory", "not measured before the base is here"
        return
    try:
        cost = measure(params)
    except UserError as error:
        yield "! training", str(error)
        return
    device, _ = devices.pick(params.device, params.precision)
    if device.type == "cpu":
        yield "memory", f"{cost.memory / 1024:.1f} GB while training, {system.free_memory() / 2**30:.1f} GB are free"
    else:
        yield "memory", f"{cost.memory / 1024:.1f} GB of the GPU while training"
    cache.root().mkdir(parents=True, exist_ok=True)
    free, needed = shutil.disk_usage(cache.root()).free / 2**20, 2 * cost.checkpoint + _encoded(photos, params)
    needs = f"{needed / 1024:.1f} GB for checkpoints and examples"
    yield "disk" if needed < free else "! disk", f"{needs}, {free / 1024:.1f} GB are free in {cache.root()}"
    yield "time", _hours(cost.seconds, photos, params)


def _encoded(photos: Photos | None, params: Params) -> float:
    """Megabytes of the encoded examples, about."""
    examples = (photos.figures["train"] if photos else 0) * params.augment.variants
    latents, embedding = 4 * (params.resolution / 8) ** 2 * 4 * 2, 77 * 768 * 2
    return float(examples * (latents + embedding + len(params.conditions) * params.resolution**2) / 2**20)


def _hours(seconds: float, photos: Photos | None, params: Params) -> str:
    """How long training and drawing take, about, at so many seconds a training step."""
    train, generate = params.train, params.generate
    training = seconds * train.steps
    forward = seconds * FORWARD / train.batch_size  # of one image
    held_out = photos.figures["val"] * SKETCHES_A_PHOTO if photos else 0
    validation = forward * (LEVELS * held_out + 2 * train.validation_steps * min(held_out, train.validation_images))
    training += validation * (train.steps // train.validate_every)
    sketches = photos.figures["test"] * SKETCHES_A_PHOTO if photos else 0
    images = 3 * sketches + 3 * min(sketches, generate.diversity)  # by the model and twice by its base; more seeds
    drawing = forward * 2 * generate.steps * images
    return f"about {_duration(training)} of training at most ({seconds:.2g} s a step), {_duration(drawing)} of drawing"


def _duration(seconds: float) -> str:
    return f"{seconds / 3600:.1f} hours" if seconds > 5400 else f"{max(1, round(seconds / 60))} minutes"
