"""A subject, of a few images, bound to a rare word; several subjects are learned one after the other.

Source: Ruiz et al. 2023, "DreamBooth: fine tuning text-to-image diffusion models for subject-driven generation".
"""

from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from diffusers import StableDiffusionPipeline
from torch import Tensor

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
from s2i.metrics.intervals import mean_interval
from s2i.networks import efficientnet
from s2i.training import setup
from s2i.training.memory import explain_out_of_memory
from s2i.training.methods import text_only
from s2i.training.methods.forgetting import plot_forgetting
from s2i.training.methods.text_only import PromptedUNet

ADAPTERS = ("full", "attention", "lora")
SCORED = 30  # images generated of every subject after each
SHOWN = 6  # of these to look at
SIMILARITY = "similarity_efficientnet_lite0"


@explain_out_of_memory()
def train(records: Iterable[dict[str, Any]], encoded: Path, target: Path, log_dir: Path, params: Params) -> None:
    """Teach the UNet, and the text encoder where asked, the subjects in turn; write what they became into ``target``.

    After each of several subjects all learned so far are drawn and compared with their images, which shows what
    is forgotten (forgetting.csv among the plots), and the model of that moment stays in target/after/NUMBER.
    An interrupted run with the same images and parameters goes on.
    Raises UserError when a subject has no images, or when the token or the adapter will not do.
    """
    settings = params.dreambooth
    if params.adapter not in ADAPTERS:
        raise UserError(f"method dreambooth trains with adapter {', '.join(ADAPTERS)}, not with {params.adapter}.")
    images = text_only.images_by_class(records, settings)
    subjects = text_only.choose_subjects(images, settings.subjects, "dreambooth.subjects", settings)
    device, precision = devices.pick(params.device, params.precision)
    pipeline = base.load(params.base, None).to(device)
    text_only.check_token(pipeline, settings.token, "dreambooth.token")
    content = [[cache.file_hash(file) for file in files] for files in subjects.values()]
    groups = {"dreambooth", "generate", "resolution"}
    checkpoints = setup.checkpoint_folder(params, groups, [params.base], __name__, content)
    with setup.open_session(checkpoints, log_dir, params) as session:
        examples = {label: _examples(pipeline, label, files, params) for label, files in subjects.items()}
        model = _model(pipeline, params, device, precision)
        kinds = {"subject": 1.0} | ({"prior": settings.prior_weight} if settings.prior_images else {})
        loss = text_only.denoising_loss(pipeline, params, kinds)
        scores = []
        for number, label in enumerate(subjects, 1):
            session.fit(model, loss, examples[label], str(number), seed_offset=number, description=f"learn {label}")
            so_far = dict(list(subjects.items())[:number])
            generated = _generate(pipeline, so_far, params)
            scores += [{"after": label} | score for score in _scores(generated, so_far)]
            shown = {subject: images[:SHOWN] for subject, images in generated.items()}
            session.tracker.image(session.fitted.last, f"after-{number}", mosaic(shown))
            if len(subjects) > 1:
                _save(pipeline, target / "after" / str(number), params)
        _save(pipeline, target, params)
        table = pd.DataFrame(scores)
        table.to_csv(checkpoints / "live/plots/forgetting.csv", index=False)
        session.tracker.image(session.fitted.last, "forgetting", plot_forgetting(table))


def generation_task(examples: list[dict[str, Any]], trained: Path, folder: Path, params: Params) -> GenerationTask:
    """From the name of each example's class with the token."""
    prompts = [_prompt(example.get("label"), params.dreambooth.token, params) for example in examples]
    return text_only.generation_task(examples, prompts, trained, params)


def untouched_task(examples: list[dict[str, Any]], params: Params) -> GenerationTask:
    """From the name of its class without the token, of which the base knows nothing."""
    prompts = [_prompt(example.get("label"), "", params) for example in examples]
    return text_only.generation_task(examples, prompts, None, params)


def _prompt(label: str | None, token: str, params: Params) -> str:
    return text_only.fill_naming(params.dreambooth.naming, token, label or "")


def _examples(
    pipeline: StableDiffusionPipeline, label: str, files: Sequence[Path], params: Params
) -> Sequence[dict[str, Tensor]]:
    """Each image of the subject with each that the base draws of its class."""
    settings = params.dreambooth
    subject_prompt, class_prompt = (_prompt(label, token, params) for token in (settings.token, ""))
    subject = text_only.encode_images_of(pipeline, files, [subject_prompt], params, "subject")
    if not settings.prior_images:
        return subject
    numbers = range(settings.prior_images)
    examples = [{"generation_seed": image_cache.seed_of(params.seed, "prior", label, number)} for number in numbers]
    task = text_only.generation_task(examples, [class_prompt] * len(examples), None, params)
    prior_files = image_cache.cached_images(task, params, f"draw {label}")
    prior = text_only.encode_images_of(pipeline, prior_files, [class_prompt], params, "prior")
    return Pairs(subject, prior)


class Pairs(Sequence[dict[str, Tensor]]):
    """Every image of a subject with every image of its class, so that a shuffled order shuffles both by themselves."""

    def __init__(self, subject: Sequence[dict[str, Tensor]], prior: Sequence[dict[str, Tensor]]):
        self.subject, self.prior = subject, prior

    def __len__(self) -> int:
        return len(self.subject) * len(self.prior)

    def __getitem__(self, index: Any) -> Any:
        """An example that holds the tensors of both; IndexError beyond the last."""
        number = range(len(self))[index]
        return self.subject[number % len(self.subject)] | self.prior[number // len(self.subject)]


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


def _generate(
    pipeline: StableDiffusionPipeline, subjects: Mapping[str, Sequence[Path]], params: Params
) -> dict[str, list[np.ndarray]]:
    """{subject: images generated of it}, always from the same seeds."""
    prompts = [_prompt(label, params.dreambooth.token, params) for label in subjects]
    images = sampling.generate(
        pipeline,
        [prompt for prompt in prompts for _ in range(SCORED)],
        [image_cache.seed_of(params.seed, label, number) for label in subjects for number in range(SCORED)],
        SamplingSettings.from_params(params.generate, params.resolution),
        description="draw what was learned",
    )
    remaining = iter(list(images))
    return {label: list(islice(remaining, SCORED)) for label in subjects}


def _scores(
    generated: Mapping[str, Sequence[np.ndarray]], subjects: Mapping[str, Sequence[Path]]
) -> list[dict[str, Any]]:
    """How much each subject as it is generated is like its images, with intervals over the generated ones."""
    network, scores = efficientnet.efficientnet_lite0(), []
    for label, files in subjects.items():
        sets = (generated[label], [io.read(file) for file in files])
        features, reference = (
            distributions.features([tensors.to_unit_range(tensors.stack(images))], network) for images in sets
        )
        scores.append({"subject": label, "metric": SIMILARITY} | mean_interval(similarity(features, reference)))
    return scores
