"""Put the base together, score it, write its card.  Its parts, renders -> models/base/whole, metrics/base.json"""

from s2i.core import stage
from s2i.embedded.pretraining import cards, score, whole
from s2i.embedded.pretraining.params import FILE, BaseParams

inputs = ("denoiser", "tiny_decoder", "autoencoder", "attributes", "windows", "renders")
with stage.run(inputs, ["whole"], metrics=True, params=FILE, tree=BaseParams) as run:
    whole.assemble(run.inputs, run.output)
    scored = score.score(run.output, run.inputs["renders"], run.params)
    cards.write_model_card(run.output, run.inputs, run.params, scored)
    run.score(scored.figures)
