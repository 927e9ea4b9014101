"""How much generated images are like a subject or a text, by what networks make of them."""

import numpy as np
from torch import Tensor


def similarity(generated: np.ndarray, subject: np.ndarray) -> np.ndarray:
    """The mean cosine of each generated image's features with those of the subject's: (N, D), (M, D) -> (N,).

    From -1 to 1, 1 is alike.
    Source: Ruiz et al. 2023, "DreamBooth", section 4.2, there with CLIP's and DINO's features.
    """
    a, b = (features / np.linalg.norm(features, axis=1, keepdims=True) for features in (generated, subject))
    cosines: np.ndarray = (a @ b.T).mean(axis=1)
    return cosines


def clip_score(images: Tensor, texts: Tensor) -> Tensor:
    """How well each image fits its text, 100 max(cos, 0): embeddings (B, D) of unit length -> (B,) in [0, 100].

    Source: Hessel et al., "CLIPScore: a reference-free evaluation metric for image captioning", 2021, in per cent.
    """
    return 100 * (images * texts).sum(dim=1).clamp(min=0)
