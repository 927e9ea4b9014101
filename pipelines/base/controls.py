"""Draw the control images of the training renders.  pipelines/base/renders -> pipelines/base/controls"""

from s2i.core import stage
from s2i.embedded.pretraining import controls
from s2i.embedded.pretraining.params import FILE, BaseParams

with stage.run(["renders"], ["controls"], last="in place", params=FILE, tree=BaseParams) as run:
    controls.write(run.inputs["renders"] / "train", run.output, run.params.controls, run.params.seed)
