"""CLIP score and CMMD, where CLIP's weights are on this machine; nothing is downloaded for them.

The network is OpenAI's ViT-L/14 at 336 px, CMMD's own, in diffusers' and transformers' format: in the folder
`clip-vit-large-patch14-336` within S2I_WEIGHTS, else in the cache of the Hugging Face hub.
"""

import os
from collections.abc import Sequence
from pathlib import Path

import torch
import torch.nn.functional as F
from safetensors import SafetensorError
from torch import Tensor

from s2i.core.errors import UserError, first_line

NAME = "openai/clip-vit-large-patch14-336"
MEAN, DEVIATION = (0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711)


class Clip:
    """CLIP's two encoders; both give embeddings of unit length (B, D)."""

    def __init__(self, model, tokenizer):
        self.model, self.tokenizer = model.eval().requires_grad_(False), tokenizer

    @torch.no_grad()
    def images(self, images: Tensor) -> Tensor:
        """images: (B, 3, H, W) in [-1, 1]."""
        side = self.model.config.vision_config.image_size
        resized = F.interpolate((images + 1) / 2, size=(side, side), mode="bicubic", antialias=True).clamp(0, 1)
        mean, deviation = (torch.tensor(values).view(1, 3, 1, 1) for values in (MEAN, DEVIATION))
        seen = self.model.vision_model(pixel_values=(resized - mean) / deviation).pooler_output
        return F.normalize(self.model.visual_projection(seen), dim=1)

    @torch.no_grad()
    def texts(self, texts: Sequence[str]) -> Tensor:
        """Texts are cut after 77 tokens."""
        length = self.model.config.text_config.max_position_embeddings
        tokens = self.tokenizer(
            list(texts), padding="max_length", truncation=True, max_length=length, return_tensors="pt"
        )
        return F.normalize(self.model.text_projection(self.model.text_model(**tokens).pooler_output), dim=1)


def place() -> Path | None:
    """The folder of the network, or None where it is not on this machine."""
    from huggingface_hub import try_to_load_from_cache

    given = Path(os.environ.get("S2I_WEIGHTS", os.devnull), NAME.split("/")[1])
    if given.is_dir():
        return given
    kept = try_to_load_from_cache(NAME, "model.safetensors")
    return Path(kept).parent if isinstance(kept, str) else None


def load() -> Clip | None:
    """The network, or None where it is not on this machine; raises UserError when its folder holds no CLIP."""
    folder = place()
    if folder is None:
        return None
    from transformers import CLIPModel, CLIPTokenizer

    try:
        model = CLIPModel.from_pretrained(folder, local_files_only=True, use_safetensors=True)
        return Clip(model, CLIPTokenizer.from_pretrained(folder, local_files_only=True))
    except (OSError, ValueError, SafetensorError) as error:
        raise UserError(f"{folder} holds no CLIP ({first_line(error)}); put it there whole, or remove it.") from None
