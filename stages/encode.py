"""Compute latents and text embeddings once.  data/augmented -> data/encoded"""

from s2i.core import devices, records, stage
from s2i.diffusion import base, encoding

with stage.run() as (params, (source,), output):
    device, _ = devices.pick(params.device)
    pipeline = base.load(params.base, None).to(device)
    encoding.encode(records.Records(source), output.folder, pipeline, params.base, params.conditions, params.encode)
