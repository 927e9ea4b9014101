"""Score the generated images against the photos.  data/generated -> metrics/evaluate, metrics/evaluate.json"""

from pathlib import Path

from s2i.core import stage
from s2i.evaluation import evaluate

with stage.run(inputs=["generated"], outputs=["figures"], metrics=True) as run:
    attributes = Path(run.params.caption.attributes)
    run.score(evaluate.evaluate(list(run.records("generated")), run.output, run.params.evaluate, attributes))
