"""Training examples as the loop reads them: latents, text embeddings and control images in safetensors shards."""

from collections.abc import Iterable, Sequence
from pathlib import Path

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
from s2i.imaging import control_images, io, tensors

ENCODED = ("id", "photo", "sketch", "flip", "prompt", "material_map", "matte")  # of a record


@torch.no_grad()
def encode_images(vae: AutoencoderKL, images: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Mean and log-variance of the latents of a batch (B, 3, H, W) uint8, each (B, C, h, w) float32 on the CPU."""
    posterior = vae.encode(tensors.to_unit_range(images.to(vae.device)).to(vae.dtype)).latent_dist
    return posterior.mean.float().cpu().contiguous(), posterior.logvar.float().cpu().contiguous()


class Encoder:
    """The frozen half of the base: images to latent distributions, prompts to embeddings."""

    def __init__(self, pipeline, batch_size: int):
        self.vae, self.tokenizer, self.text_encoder = pipeline.vae, pipeline.tokenizer, pipeline.text_encoder
        self.batch_size = batch_size

    def latents(self, images: Sequence[np.ndarray]) -> tuple[torch.Tensor, torch.Tensor]:
        """Mean and log-variance, each (N, C, h, w) float32, of images (H, W, 3) uint8."""
        batches = tensors.stack(images).split(self.batch_size)
        means, logvars = zip(*(encode_images(self.vae, batch) for batch in batches), strict=True)
        return torch.cat(means), torch.cat(logvars)

    @torch.no_grad()
    def texts(self, prompts: Sequence[str]) -> torch.Tensor:
        """(N, L, D) float32."""
        tokens = self.tokenizer(list(prompts), padding="max_length", truncation=True, return_tensors="pt").input_ids
        embedded = [
            self.text_encoder(batch.to(self.text_encoder.device)).last_hidden_state.float().cpu()
            for batch in tokens.split(self.batch_size)
        ]
        return torch.cat(embedded)


def encode(
    records: Iterable[dict], target: Path, pipeline, base: str, conditions: Sequence[str], settings: Encode
) -> None:
    """Write ``target/<split>/<shard>.safetensors`` for the train and val examples, and the empty prompt's embedding.

    Examples of one photo stay in one shard, and which one depends on the photo alone: a new photo re-encodes its
    shard, the others come from the cache.
    """
    encoder = Encoder(pipeline, settings.batch_size)
    model = cache.model_hash(base)
    examples_of: dict[str, list[dict]] = {"train": [], "val": []}
    for record in records:
        if record["split"] in examples_of:
            examples_of[record["split"]].append({name: record.get(name) for name in ENCODED})
    shards = []
    for split, examples in examples_of.items():
        count = 1 << max(0, (len(examples) - 1) // settings.shard_size).bit_length()
        groups: dict[int, list[dict]] = {}
        for example in examples:
            groups.setdefault(int(example["id"], 16) % count, []).append(example)
        shards += [(target / split / f"{shard:05}.safetensors", group) for shard, group in sorted(groups.items())]
    for file, group in tqdm(shards, desc="encode", unit="shard"):
        key = [
            "encode",
            cache.code(__name__),
            conditions,
            model,
            *(_example_key(one) for one in group),
        ]
        cache.produce(file, lambda draft, group=group: save_file(_shard(group, encoder, conditions), draft), *key)
    with whole_file(target / "empty_prompt.safetensors") as draft:
        save_file({"embedding": encoder.texts([""])[0].half()}, draft, metadata={"base": model})


def _example_key(example: dict) -> list:
    files = [example[name] for name in ("photo", "sketch", "material_map", "matte")]
    return [*(file and cache.file_hash(file) for file in files), example["flip"], example["prompt"]]


def _shard(examples: list[dict], encoder: Encoder, conditions: Sequence[str]) -> dict[str, torch.Tensor]:
    images = {(one["photo"], one["flip"]): None for one in examples}
    mean, logvar = encoder.latents([_oriented(photo, flip) for photo, flip in images])
    prompts = {one["prompt"]: None for one in examples}
    embeddings = encoder.texts(list(prompts))
    photo_of = {key: index for index, key in enumerate(images)}
    text_of = {prompt: index for index, prompt in enumerate(prompts)}
    pick = torch.tensor([photo_of[one["photo"], one["flip"]] for one in examples])
    conditioning = zip(*(control_images.control_images_of(one, conditions) for one in examples), strict=True)
    shard = {f"control.{name}": _planes(images) for name, images in zip(conditions, conditioning, strict=True)}
    if all(one["matte"] for one in examples):
        shard["matte"] = _planes([_shrunk(one, mean.shape[-2:]) for one in examples])
    return shard | {
        "latent_mean": mean[pick].half(),
        "latent_logvar": logvar[pick].half(),
        "embedding": embeddings[torch.tensor([text_of[one["prompt"]] for one in examples])].half(),
    }


def _planes(images: Sequence[np.ndarray]) -> torch.Tensor:
    """Images (H, W) or (H, W, 3) as (N, 1, H, W) or (N, 3, H, W) uint8."""
    batch = torch.from_numpy(np.stack(images))
    return batch[:, None] if batch.ndim == 3 else batch.permute(0, 3, 1, 2).contiguous()


def _shrunk(example: dict, shape: tuple[int, int]) -> np.ndarray:
    """How much of each latent's place is the building's, (h, w) uint8."""
    matte = cv2.resize(io.read_grey(example["matte"]), tuple(shape)[::-1], interpolation=cv2.INTER_AREA)
    return np.ascontiguousarray(matte[:, ::-1]) if example["flip"] else matte


def _oriented(photo: str, flip: bool) -> np.ndarray:
    image = io.read(photo)
    return np.ascontiguousarray(image[:, ::-1]) if flip else image


class EncodedExamples(Dataset):
    """The examples of one split, read from their shards when asked for: nothing is held in memory.

    An item is ``latent_mean`` and ``latent_logvar`` (C, h, w), ``embedding`` (L, D), for each condition
    ``control.NAME`` (1 or 3, H, W) and where there are mattes ``matte`` (1, h, w), these in [0, 1], all float32.
    Raises UserError when the split has none, and for a shard that cannot be read.
    """

    def __init__(self, folder: Path, split: str):
        self.shards = [_opened(file) for file in sorted((Path(folder) / split).glob("*.safetensors"))]
        self.places = [
            (shard, row) for shard in self.shards for row in range(shard.get_slice("latent_mean").get_shape()[0])
        ]
        if not self.places:
            raise UserError(f"{folder} has no {split} examples: add photos, or raise ingest.{split} in params.yaml.")

    def __len__(self) -> int:
        return len(self.places)

    def __getitem__(self, index: int) -> dict[str, torch.Tensor]:
        shard, row = self.places[index]
        item = {name: shard.get_slice(name)[row : row + 1][0].float() for name in shard.keys()}  # noqa: SIM118
        shades = [name for name in item if name.startswith(("control.", "matte"))]
        return item | {name: item[name] / 255 for name in shades}


def _opened(file: Path):
    try:
        return safe_open(file, "pt")
    except (SafetensorError, OSError) as error:
        raise UserError(
            f"{file} cannot be read ({first_line(error)}): delete {file.parent.parent} and run dvc repro."
        ) from None


def encoded_for(folder: Path) -> str:
    """What `cache.model_hash` says of the base that examples were encoded with."""
    with safe_open(Path(folder) / "empty_prompt.safetensors", "pt") as file:
        return (file.metadata() or {}).get("base", "")


def empty_prompt(folder: Path) -> torch.Tensor:
    """The embedding of the empty prompt, (L, D) float32."""
    with safe_open(Path(folder) / "empty_prompt.safetensors", "pt") as file:
        return file.get_tensor("embedding").float()


def check_encoded_for(example: dict, encoded: Path, pipeline, params: Params) -> None:
    """Raise UserError when an example was not encoded for this base, resolution and these conditions."""
    if encoded_for(encoded) != cache.model_hash(params.base):
        raise UserError(f"the examples were encoded with another base than {params.base}: run `dvc repro encode`.")
    controls = {name.removeprefix("control."): one for name, one in example.items() if name.startswith("control.")}
    wanted = {
        "resolution": (next(iter(controls.values())).shape[-1], params.resolution),
        "conditions": (sorted(controls), sorted(params.conditions)),
    }
    for name, (found, needed) in wanted.items():
        if found != needed:
            raise UserError(
                f"the examples were encoded with {name} {found}, and {params.base} with params.yaml needs {needed}: "
                "run `dvc repro encode`."
            )
    if params.train.background_weight < 1 and "matte" not in example:
        raise UserError("train.background_weight weighs by mattes, which these examples have not: run `dvc repro`.")
