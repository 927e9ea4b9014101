"""Training examples as the loop reads them: latents, text embeddings and control images in safetensors shards."""

from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from diffusers import AutoencoderKL
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch.utils.data import Dataset
from tqdm import tqdm

from s2i.core import cache
from s2i.core.errors import UserError, first_line
from s2i.core.files import whole_file
from s2i.core.params import Encode, Params
from s2i.diffusion.base import Pipeline
from s2i.imaging import io, shapes, tensors
from s2i.imaging.control_images import control_images_of

RECORD_KEYS = ("id", "photo", "sketch", "flip", "prompt", "material_map", "matte")  # what is encoded of a record
Example = dict[str, Any]


@torch.no_grad()
def encode_images(vae: AutoencoderKL, images: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Mean and log-variance of the latents of a batch (B, 3, H, W) uint8, each (B, C, h, w) float32 on the CPU."""
    posterior = vae.encode(tensors.to_unit_range(images.to(vae.device)).to(vae.dtype)).latent_dist
    return posterior.mean.float().cpu().contiguous(), posterior.logvar.float().cpu().contiguous()


class Encoder:
    """The frozen half of the base: images to latent distributions, prompts to embeddings."""

    def __init__(self, pipeline: Pipeline, batch_size: int):
        self.vae, self.tokenizer, self.text_encoder = pipeline.vae, pipeline.tokenizer, pipeline.text_encoder
        self.batch_size = batch_size

    def latents(self, images: Sequence[np.ndarray]) -> tuple[torch.Tensor, torch.Tensor]:
        """Mean and log-variance, each (N, C, h, w) float32, of images (H, W, 3) uint8."""
        batches = torch.split(tensors.stack(images), self.batch_size)
        means, logvars = zip(*(encode_images(self.vae, batch) for batch in batches), strict=True)
        return torch.cat(means), torch.cat(logvars)

    @torch.no_grad()
    def prompt_embeds(self, prompts: Sequence[str]) -> torch.Tensor:
        """What the text encoder makes of prompts, (N, tokens, width) float32 on the CPU."""
        tokens = self.tokenizer(list(prompts), padding="max_length", truncation=True, return_tensors="pt").input_ids
        batches = [
            self.text_encoder(batch.to(self.text_encoder.device)).last_hidden_state.float().cpu()
            for batch in tokens.split(self.batch_size)
        ]
        return torch.cat(batches)


def encode(
    records: Iterable[Example], target: Path, pipeline: Pipeline, base: str, conditions: Sequence[str], settings: Encode
) -> None:
    """Write ``target/<split>/<shard>.safetensors`` for the train and val examples, and the empty prompt's embedding.

    Examples of one photo stay in one shard, and which one depends on the photo alone: a new photo re-encodes its
    shard, the others come from the cache.
    """
    encoder = Encoder(pipeline, settings.batch_size)
    model, code = cache.model_hash(base), cache.code(__name__)
    shards = _shards(records, target, settings.shard_size)
    for path, examples in tqdm(shards.items(), desc="encode", unit="shard"):
        key = [code, conditions, model, *(_example_key(example) for example in examples)]
        cache.produce(path, partial(_write_shard, examples, encoder, conditions), "encode", *key)
    with whole_file(target / "empty_prompt.safetensors") as draft:
        save_file({"embedding": encoder.prompt_embeds([""])[0].half()}, draft, metadata={"base": model})


def _shards(records: Iterable[Example], target: Path, shard_size: int) -> dict[Path, list[Example]]:
    """{file: the train or val examples it is to hold, about ``shard_size`` of them}."""
    examples_of: dict[str, list[Example]] = {"train": [], "val": []}
    for record in records:
        if record["split"] in examples_of:
            examples_of[record["split"]].append({name: record.get(name) for name in RECORD_KEYS})
    shards: dict[Path, list[Example]] = {}
    for split, examples in examples_of.items():
        count = 1 << max(0, (len(examples) - 1) // shard_size).bit_length()
        for example in examples:
            shard = int(example["id"], 16) % count
            shards.setdefault(target / split / f"{shard:05}.safetensors", []).append(example)
    return dict(sorted(shards.items()))


def _example_key(example: Example) -> list[Any]:
    files = [example[name] for name in ("photo", "sketch", "material_map", "matte")]
    return [*(file and cache.file_hash(file) for file in files), example["flip"], example["prompt"]]


def _write_shard(examples: list[Example], encoder: Encoder, conditions: Sequence[str], path: Path) -> None:
    save_file(_encoded(examples, encoder, conditions), path)


def _encoded(examples: list[Example], encoder: Encoder, conditions: Sequence[str]) -> dict[str, torch.Tensor]:
    """The tensors of a shard, a row an example; each photo and each prompt is encoded once."""
    photos, photo_indices = _distinct([(example["photo"], example["flip"]) for example in examples])
    prompts, prompt_indices = _distinct([example["prompt"] for example in examples])
    mean, logvar = encoder.latents([_oriented(photo, flip) for photo, flip in photos])
    prompt_embeds = encoder.prompt_embeds(prompts)
    images_of = zip(*(control_images_of(example, conditions) for example in examples), strict=True)
    shard = {f"control.{name}": _planes(images) for name, images in zip(conditions, images_of, strict=True)}
    shard["inside"] = _planes([_inside(example, *mean.shape[-2:]) for example in examples])
    if all(example["matte"] for example in examples):
        shard["matte"] = _planes([_matte_of_latents(example, *mean.shape[-2:]) for example in examples])
    return shard | {
        "latent_mean": mean[photo_indices].half(),
        "latent_logvar": logvar[photo_indices].half(),
        "embedding": prompt_embeds[prompt_indices].half(),
    }


def _distinct(values: Sequence[Any]) -> tuple[list[Any], torch.Tensor]:
    """The different values, and for each of all values the index of its own among them."""
    index_of = {value: index for index, value in enumerate(dict.fromkeys(values))}
    return list(index_of), torch.tensor([index_of[value] for value in values])


def _planes(images: Sequence[np.ndarray]) -> torch.Tensor:
    """Images (H, W) or (H, W, 3) as (N, 1, H, W) or (N, 3, H, W) uint8."""
    batch = torch.from_numpy(np.stack(images))
    return batch[:, None] if batch.ndim == 3 else batch.permute(0, 3, 1, 2).contiguous()


def _matte_of_latents(example: Example, height: int, width: int) -> np.ndarray:
    """How much of each latent is the building's, (height, width) uint8."""
    matte = shapes.on_square(io.read_grey(example["matte"]), color=0)
    matte = cv2.resize(matte, (width, height), interpolation=cv2.INTER_AREA)
    return np.ascontiguousarray(matte[:, ::-1]) if example["flip"] else matte


def _inside(example: Example, height: int, width: int) -> np.ndarray:
    """How much of each latent is the photo's and not the margin's that makes it a square, (height, width) uint8."""
    photo_width, photo_height = io.size(Path(example["photo"]))
    inside = shapes.on_square(np.full((photo_height, photo_width), 255, np.uint8), color=0)
    inside = cv2.resize(inside, (width, height), interpolation=cv2.INTER_AREA)
    return np.ascontiguousarray(inside[:, ::-1]) if example["flip"] else inside


def _oriented(photo: str, flip: bool) -> np.ndarray:
    image = shapes.on_square(io.read(Path(photo)))
    return np.ascontiguousarray(image[:, ::-1]) if flip else image


class EncodedExamples(Dataset[dict[str, torch.Tensor]]):
    """The examples of one split, read from their shards when they are needed: nothing is held in memory.

    An item is ``latent_mean`` and ``latent_logvar`` (C, h, w), ``embedding`` (tokens, width), for each condition
    ``control.NAME`` (1 or 3, H, W), ``inside`` (1, h, w), which is 0 in the margins of photos that are not square, and
    where there are mattes ``matte`` (1, h, w), these in [0, 1], all float32.
    Raises UserError when the split has none, and for a shard that cannot be read.
    """

    def __init__(self, folder: Path, split: str):
        self.shards = [_open_shard(file) for file in sorted((Path(folder) / split).glob("*.safetensors"))]
        self.rows = [
            (shard, row) for shard in self.shards for row in range(shard.get_slice("latent_mean").get_shape()[0])
        ]
        if not self.rows:
            raise UserError(f"{folder} has no {split} examples: add photos, or raise ingest.{split} in params.yaml.")

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index: int) -> dict[str, torch.Tensor]:
        shard, row = self.rows[index]
        item = {name: shard.get_slice(name)[row : row + 1][0].float() for name in shard.keys()}  # noqa: SIM118
        images = [name for name in item if name.startswith(("control.", "inside", "matte"))]
        return item | {name: item[name] / 255 for name in images}


def _open_shard(file: Path) -> Any:
    try:
        return safe_open(file, "pt")
    except (SafetensorError, OSError) as error:
        raise UserError(
            f"{file} cannot be read ({first_line(error)}): delete {file.parent.parent} and run dvc repro."
        ) from None


def encoded_for(folder: Path) -> str:
    """What `cache.model_hash` says of the base that examples were encoded with."""
    with safe_open(Path(folder) / "empty_prompt.safetensors", "pt") as file:
        return str((file.metadata() or {}).get("base", ""))


def empty_prompt_embeds(folder: Path) -> torch.Tensor:
    """The embedding of the empty prompt, (tokens, width) float32."""
    with safe_open(Path(folder) / "empty_prompt.safetensors", "pt") as file:
        embedding: torch.Tensor = file.get_tensor("embedding")
    return embedding.float()


def check_encoded_for(example: Mapping[str, torch.Tensor], encoded: Path, params: Params) -> None:
    """Raise UserError when an example was not encoded for this base, resolution and these conditions."""
    if encoded_for(encoded) != cache.model_hash(params.base):
        raise UserError(f"the examples were encoded with another base than {params.base}: run `dvc repro encode`.")
    control_images = {
        name.removeprefix("control."): image for name, image in example.items() if name.startswith("control.")
    }
    actual_and_expected: dict[str, tuple[Any, Any]] = {
        "resolution": (next(iter(control_images.values())).shape[-1], params.resolution),
        "conditions": (sorted(control_images), sorted(params.conditions)),
    }
    for name, (actual, expected) in actual_and_expected.items():
        if actual != expected:
            raise UserError(
                f"the examples were encoded with {name} {actual}, and {params.base} with params.yaml needs {expected}: "
                "run `dvc repro encode`."
            )
    if params.train.background_weight < 1 and "matte" not in example:
        raise UserError("train.background_weight weighs by mattes, which these examples have not: run `dvc repro`.")
