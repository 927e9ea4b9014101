"""Train the autoencoder.  pipelines/base/renders -> models/base/autoencoder"""

from s2i.core import stage
from s2i.embedded.pretraining import autoencoder
from s2i.embedded.pretraining.params import FILE, BaseParams

with stage.run(["renders"], ["autoencoder"], params=FILE, tree=BaseParams) as run:
    settings = (run.params.autoencoder, run.params.resolution, run.params.seed)
    autoencoder.train(run.inputs["renders"] / "train", run.output, *settings)
