"""Find the building in every photo, and cut away its background where asked to.  data/paired -> data/matted"""

from s2i.core import stage
from s2i.dataset.matting import mattes

with stage.run(inputs=["paired"], outputs=["matted"]) as run:
    run.write(mattes.cut_backgrounds(run.records("paired"), run.output, run.params.matte, run.params.workers))
