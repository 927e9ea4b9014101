"""Parameters for the tiny base."""

from s2i.core.params import Params


def tiny_params(base, train, /, **changes):
    """Parameters that fit the base in a folder, with these of the group ``train`` and these changes of others."""
    values = {"base": str(base), "controlnet": str(base / "controlnet"), "rank": 2, "resolution": 64}
    values |= {"precision": "fp32", "train": train, "generate": {"steps": 2, "batch_size": 3}}
    return Params.model_validate(values | changes)
