"""Fit the probes that read attributes off photos.  pipelines/base/renders -> models/base/attributes.safetensors"""

from s2i.core import stage
from s2i.embedded.pretraining import renders
from s2i.embedded.pretraining.params import FILE, BaseParams
from s2i.networks import probes

with stage.run(["renders"], ["attributes"], last="file", params=FILE, tree=BaseParams) as run:
    photos, table = renders.read(run.inputs["renders"] / "train")
    probes.fit(probes.features(renders.arrays(photos)), table.to_dict("records")).save(run.output)
