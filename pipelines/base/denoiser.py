"""Train UNet, ControlNet and text encoder together.  Renders, autoencoder, control images -> models/base/denoiser"""

from s2i.core import stage
from s2i.embedded.pretraining import denoiser
from s2i.embedded.pretraining.params import FILE, BaseParams

with stage.run(["renders", "autoencoder", "controls"], ["denoiser"], params=FILE, tree=BaseParams) as run:
    settings = (run.params.denoiser, run.params.text, run.params.seed)
    denoiser.train(denoiser.Inputs(*run.inputs.values()), run.output, *settings)
