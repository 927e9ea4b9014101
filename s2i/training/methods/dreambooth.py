"""A subject, of a few images, bound to a rare word; several subjects are learned one after the other.

Source: Ruiz et al. 2023, "DreamBooth: fine tuning text-to-image diffusion models for subject-driven generation".
"""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from diffusers import StableDiffusionPipeline

from s2i.core import cache, devices
from s2i.core.errors import UserError
from s2i.core.params import Params
from s2i.diffusion import adapters, base, image_cache, model_folder, sampling
from s2i.diffusion.image_cache import GenerationTask
from s2i.diffusion.sampling import SamplingSettings
from s2i.imaging import io, tensors
from s2i.imaging.mosaics import mosaic
from s2i.metrics import distributions
from s2i.metrics.embeddings import similarity
from s2i.metrics.intervals import bootstrap
from s2i.networks import efficientnet
from s2i.training import setup
from s2i.training.memory import explain_out_of_memory
from s2i.training.methods import text_only
from s2i.training.methods.forgetting import plot_forgetting
from s2i.training.methods.text_only import PromptedUNet

ADAPTERS = ("full", "attention", "lora")
SHOWN = 6  # images drawn of every subject after each


@explain_out_of_memory()
def train(records: Iterable[dict], encoded: Path, target: Path, live: Path, params: Params) -> None:
    """Teach the UNet, and the text encoder where asked, the subjects in turn; write what they became into ``target``.

    After each of several subjects all learned so far are drawn and compared with their images, which shows what
    is forgotten (forgetting.csv among the plots), and the model of that moment stays in target/after/NUMBER.
    An interrupted run with the same images and parameters goes on.
    Raises UserError when a subject has no images, or when the token or the adapter will not do.
    """
    settings = params.dreambooth
    if params.adapter not in ADAPTERS:
        raise UserError(f"method dreambooth trains with adapter {', '.join(ADAPTERS)}, not with {params.adapter}.")
    found = text_only.members(records, settings)
    learned = text_only.chosen(found, settings.subjects, "dreambooth.subjects", settings)
    device, precision = devices.pick(params.device, params.precision)
    pipeline = base.load(params.base, None).to(device)
    text_only.check_token(pipeline, settings.token, "dreambooth.token")
    content = [[cache.file_hash(file) for file in files] for files in learned.values()]
    groups = {"dreambooth", "generate", "resolution"}
    checkpoints = setup.checkpoint_folder(params, groups, [params.base], __name__, content)
    with setup.tracked(checkpoints, live, params) as tracker:
        examples = {label: _examples(pipeline, label, files, params) for label, files in learned.items()}
        model = _model(pipeline, params, device, precision)
        kinds = {"subject": 1.0} | ({"prior": settings.prior_weight} if settings.prior_images else {})
        loss = text_only.denoising_loss(pipeline, params, kinds)
        scores, last = [], 0
        for number, label in enumerate(learned, 1):
            last = setup.train_in_turn(model, loss, examples[label], params, checkpoints, tracker, number, last, label)
            so_far = dict(list(learned.items())[:number])
            drawn = _drawn(pipeline, so_far, params)
            scores += [{"after": label} | score for score in _scores(drawn, so_far)]
            tracker.image(last, f"after-{number}", mosaic(drawn))
            if len(learned) > 1:
                _save(pipeline, target / "after" / str(number), params)
        _save(pipeline, target, params)
        table = pd.DataFrame(scores)
        table.to_csv(checkpoints / "live/plots/forgetting.csv", index=False)
        tracker.image(last, "forgetting", plot_forgetting(table))


def draw_task(examples: list[dict], trained: Path, folder: Path, params: Params) -> GenerationTask:
    """From the name of each example's class with the token."""
    return text_only.draw_task(examples, _prompts(examples, params.dreambooth.token, params), trained, params)


def untouched(examples: list[dict], params: Params) -> GenerationTask:
    """From the name of its class without the token, of which the base knows nothing."""
    return text_only.draw_task(examples, _prompts(examples, "", params), None, params)


def _prompts(examples: Iterable[Mapping], token: str, params: Params) -> list[str]:
    return [text_only.named(params.dreambooth.naming, token, one.get("label") or "") for one in examples]


def _examples(pipeline: StableDiffusionPipeline, label: str, files: Sequence[Path], params: Params) -> list[dict]:
    """Each image of the subject with one that the base draws of its class, as often as it takes to show all."""
    settings = params.dreambooth
    (named,), (plain,) = (_prompts([{"label": label}], token, params) for token in (settings.token, ""))
    subject = text_only.encoded(pipeline, files, named, params, "subject")
    if not settings.prior_images:
        return subject
    wanted = [
        {"prompt": plain, "generation_seed": image_cache.seed_of(params.seed, "prior", label, number)}
        for number in range(settings.prior_images)
    ]
    places = image_cache.cached_images(
        text_only.draw_task(wanted, [plain] * len(wanted), None, params), params, f"draw {label}"
    )
    prior = text_only.encoded(pipeline, places, plain, params, "prior")
    count = max(len(subject), len(prior))
    return [subject[number % len(subject)] | prior[number % len(prior)] for number in range(count)]


def _model(pipeline: StableDiffusionPipeline, params: Params, device: torch.device, precision: str) -> PromptedUNet:
    """UNet and text encoder of the pipeline, those weights set to train that the parameters name."""
    pipeline.text_encoder.requires_grad_(params.dreambooth.text_encoder)
    torch.manual_seed(params.training_seed)
    adapters.inject(pipeline.unet, params.adapter, params.rank, params.train.alpha)
    setup.prepare_models([pipeline.unet], [], params.train, device, precision)
    return PromptedUNet(pipeline.unet, pipeline.text_encoder)


def _save(pipeline: StableDiffusionPipeline, target: Path, params: Params) -> None:
    """Write what was trained as `base.load_trained` and plain diffusers read it."""
    if params.adapter == "lora":
        adapters.save_unet_lora(pipeline, target / model_folder.UNET_LORA)
    else:
        pipeline.unet.save_pretrained(target / "unet")
    if params.dreambooth.text_encoder:
        pipeline.text_encoder.save_pretrained(target / "text_encoder")


def _drawn(pipeline: StableDiffusionPipeline, learned: Mapping[str, Sequence[Path]], params: Params) -> dict:
    """{subject: images drawn of it}, with the same seeds whenever it is asked."""
    prompts = _prompts([{"label": label} for label in learned], params.dreambooth.token, params)
    images = sampling.generate(
        pipeline,
        [prompt for prompt in prompts for _ in range(SHOWN)],
        [image_cache.seed_of(params.seed, label, number) for label in learned for number in range(SHOWN)],
        SamplingSettings.from_params(params.generate, params.resolution),
        description="draw what was learned",
    )
    images = list(images)
    return {label: images[place * SHOWN : (place + 1) * SHOWN] for place, label in enumerate(learned)}


def _scores(drawn: Mapping[str, Sequence[np.ndarray]], learned: Mapping[str, Sequence[Path]]) -> list[dict]:
    """How much each subject as it is drawn is like its images."""
    network, scores = efficientnet.efficientnet_lite0(), []
    for label, files in learned.items():
        sets = (drawn[label], [io.read(file) for file in files])
        found, own = (distributions.features([tensors.to_unit_range(tensors.stack(each))], network) for each in sets)
        scores.append({"subject": label} | bootstrap(similarity(found, own)))
    return scores
