"""Train the tiny decoder.  pipelines/base/renders, models/base/autoencoder -> models/base/tiny_decoder"""

from s2i.core import stage
from s2i.embedded.pretraining import tiny_decoder
from s2i.embedded.pretraining.params import FILE, BaseParams

with stage.run(["renders", "autoencoder"], ["tiny_decoder"], params=FILE, tree=BaseParams) as run:
    corpus, autoencoder = run.inputs["renders"] / "train", run.inputs["autoencoder"]
    tiny_decoder.train(corpus, autoencoder, run.output, run.params.tiny_decoder, run.params.seed)
