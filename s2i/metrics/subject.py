"""How much drawn pictures look like a subject."""

import numpy as np


def similarity(drawn: np.ndarray, subject: np.ndarray) -> np.ndarray:
    """The mean cosine of each drawn picture's features with those of the subject's pictures: (N, D), (M, D) -> (N,).

    From -1 to 1, 1 is alike.
    Source: Ruiz et al. 2023, "DreamBooth", section 4.2, there with CLIP's and DINO's features.
    """
    drawn, subject = (each / np.linalg.norm(each, axis=1, keepdims=True) for each in (drawn, subject))
    return (drawn @ subject.T).mean(axis=1)
