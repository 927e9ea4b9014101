"""CLIP, for CLIP score and CMMD, where its weights are on this machine; nothing is downloaded for them.

The network is OpenAI's ViT-L/14 at 336 px, CMMD's own, in diffusers' and transformers' format: in the folder
`clip-vit-large-patch14-336` within S2I_WEIGHTS, else in the cache of the Hugging Face hub.
"""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from safetensors import SafetensorError
from torch import Tensor

from s2i.core.errors import UserError, first_line

NAME = "openai/clip-vit-large-patch14-336"
MEAN, STD = (0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711)


class Clip:
    """CLIP's two encoders; both give embeddings of unit length (B, D)."""

    def __init__(self, model: Any, tokenizer: Any):
        self.model, self.tokenizer = model.eval().requires_grad_(False), tokenizer

    @torch.no_grad()
    def embed_images(self, images: Tensor) -> Tensor:
        """images: (B, 3, H, W) in [-1, 1]."""
        side = self.model.config.vision_config.image_size
        resized = F.interpolate((images + 1) / 2, size=(side, side), mode="bicubic", antialias=True).clamp(0, 1)
        mean, std = (torch.tensor(values).view(1, 3, 1, 1) for values in (MEAN, STD))
        pooled = self.model.vision_model(pixel_values=(resized - mean) / std).pooler_output
        return F.normalize(self.model.visual_projection(pooled), dim=1)

    @torch.no_grad()
    def embed_texts(self, texts: Sequence[str]) -> Tensor:
        """Texts are cut after 77 tokens."""
        length = self.model.config.text_config.max_position_embeddings
        tokens = self.tokenizer(
            list(texts), padding="max_length", truncation=True, max_length=length, return_tensors="pt"
        )
        return F.normalize(self.model.text_projection(self.model.text_model(**tokens).pooler_output), dim=1)


def folder() -> Path | None:
    """The folder of the network, or None where it is not on this machine."""
    from huggingface_hub import try_to_load_from_cache

    provided = Path(os.environ.get("S2I_WEIGHTS", os.devnull), NAME.split("/")[1])
    if provided.is_dir():
        return provided
    cached = try_to_load_from_cache(NAME, "model.safetensors")
    return Path(cached).parent if isinstance(cached, str) else None


def load() -> Clip | None:
    """The network, or None where it is not on this machine; raises UserError when its folder holds no CLIP."""
    path = folder()
    if path is None:
        return None
    from transformers import CLIPModel, CLIPTokenizer

    try:
        model = CLIPModel.from_pretrained(path, local_files_only=True, use_safetensors=True)
        return Clip(model, CLIPTokenizer.from_pretrained(path, local_files_only=True))
    except (OSError, ValueError, SafetensorError) as error:
        raise UserError(f"{path} holds no CLIP ({first_line(error)}); put it there whole, or remove it.") from None
