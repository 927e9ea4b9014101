"""Train the window counter.  pipelines/base/renders -> models/base/windows.safetensors, metrics/windows.json"""

from s2i.core import stage
from s2i.embedded.pretraining import window_counter
from s2i.embedded.pretraining.params import FILE, BaseParams

with stage.run(["renders"], ["windows"], metrics=True, last="file", params=FILE, tree=BaseParams) as run:
    renders = run.inputs["renders"]
    window_counter.train(renders / "train", run.output, run.params.windows, run.params.seed)
    run.score(window_counter.score(run.output, renders / "held_out"))
