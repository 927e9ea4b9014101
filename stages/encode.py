"""Compute latents and text embeddings once.  data/augmented -> data/encoded"""

from s2i.core import devices, stage
from s2i.diffusion import base, encoding

with stage.run(inputs=["augmented"], outputs=["encoded"]) as run:
    params = run.params
    device, _ = devices.pick(params.device)
    pipeline = base.load(params.base, None).to(device)
    settings = (pipeline, params.base, params.conditions, params.encode)
    encoding.encode(run.records("augmented"), run.output, *settings)
