"""Training examples as the loop reads them: latents, text embeddings and control images in safetensors shards."""

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import torch
from diffusers import AutoencoderKL
from safetensors import safe_open
from safetensors.torch import save_file
from torch.utils.data import Dataset
from tqdm import tqdm

from s2i import cache, images, tensors
from s2i.controls import control_image
from s2i.errors import UserError
from s2i.files import whole_file
from s2i.params import Encode

ENCODED = ("id", "photo", "sketch", "flip", "prompt")  # of a record


@torch.no_grad()
def encode_pictures(vae: AutoencoderKL, pictures: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Mean and log-variance of the latents of a batch (B, 3, H, W) uint8, each (B, C, h, w) float32 on the CPU."""
    posterior = vae.encode(tensors.unit(pictures.to(vae.device)).to(vae.dtype)).latent_dist
    return posterior.mean.float().cpu().contiguous(), posterior.logvar.float().cpu().contiguous()


def sample_latents(mean: torch.Tensor, logvar: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """Latents drawn from what `encode_pictures` gives, not yet scaled; same shape."""
    return mean + (0.5 * logvar).exp() * torch.randn(mean.shape, generator=generator, device=mean.device)


class Encoder:
    """The frozen half of the base: pictures to latent distributions, prompts to embeddings."""

    def __init__(self, pipeline, batch_size: int):
        self.vae, self.tokenizer, self.text_encoder = pipeline.vae, pipeline.tokenizer, pipeline.text_encoder
        self.batch_size = batch_size

    def latents(self, pictures: Sequence[np.ndarray]) -> tuple[torch.Tensor, torch.Tensor]:
        """Mean and log-variance, each (N, C, h, w) float32, of pictures (H, W, 3) uint8."""
        batches = tensors.stack(pictures).split(self.batch_size)
        means, logvars = zip(*(encode_pictures(self.vae, batch) for batch in batches), strict=True)
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


def encode(records: Iterable[dict], target: Path, pipeline, base: str, settings: Encode) -> None:
    """Write ``target/<split>/<shard>.safetensors`` for the train and val examples, and the empty prompt's embedding.

    Examples of one photo stay in one shard, and which one depends on the photo alone: a new photo re-encodes its
    shard, the others come from the cache.
    """
    encoder = Encoder(pipeline, settings.batch_size)
    model = cache.model_hash(base)
    examples_of: dict[str, list[dict]] = {"train": [], "val": []}
    for record in records:
        if record["split"] in examples_of:
            examples_of[record["split"]].append({name: record[name] for name in ENCODED})
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
            cache.code(__name__, "s2i.controls", "s2i.tensors", "s2i.images"),
            model,
            *(_example_key(one) for one in group),
        ]
        cache.produce(file, lambda draft, group=group: save_file(_shard(group, encoder), draft), *key)
    with whole_file(target / "empty_prompt.safetensors") as draft:
        save_file({"embedding": encoder.texts([""])[0].half()}, draft)


def _example_key(example: dict) -> list:
    return [cache.file_hash(example["photo"]), cache.file_hash(example["sketch"]), example["flip"], example["prompt"]]


def _shard(examples: list[dict], encoder: Encoder) -> dict[str, torch.Tensor]:
    pictures = {(one["photo"], one["flip"]): None for one in examples}
    mean, logvar = encoder.latents([_oriented(photo, flip) for photo, flip in pictures])
    prompts = {one["prompt"]: None for one in examples}
    embeddings = encoder.texts(list(prompts))
    photo_of = {key: index for index, key in enumerate(pictures)}
    text_of = {prompt: index for index, prompt in enumerate(prompts)}
    pick = torch.tensor([photo_of[one["photo"], one["flip"]] for one in examples])
    controls = [control_image(images.read_grey(one["sketch"]), one["flip"]) for one in examples]
    return {
        "latent_mean": mean[pick].half(),
        "latent_logvar": logvar[pick].half(),
        "embedding": embeddings[torch.tensor([text_of[one["prompt"]] for one in examples])].half(),
        "control": torch.from_numpy(np.stack(controls))[:, None],
    }


def _oriented(photo: str, flip: bool) -> np.ndarray:
    picture = images.read(photo)
    return np.ascontiguousarray(picture[:, ::-1]) if flip else picture


class EncodedExamples(Dataset):
    """The examples of one split, read from their shards when asked for: nothing is held in memory.

    An item is ``latent_mean`` and ``latent_logvar`` (C, h, w), ``embedding`` (L, D), ``control`` (1, H, W) in [0, 1],
    all float32.  Raises UserError when the split has none.
    """

    def __init__(self, folder: Path, split: str):
        self.shards = [safe_open(file, "pt") for file in sorted((Path(folder) / split).glob("*.safetensors"))]
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
        return item | {"control": item["control"] / 255}


def empty_prompt(folder: Path) -> torch.Tensor:
    """The embedding of the empty prompt, (L, D) float32."""
    with safe_open(Path(folder) / "empty_prompt.safetensors", "pt") as file:
        return file.get_tensor("embedding").float()
