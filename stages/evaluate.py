"""Score the generated images against the photos.

data/generated, data/ingested -> metrics/evaluate, metrics/evaluate.json
"""

from pathlib import Path

from s2i.core import stage
from s2i.evaluation import evaluate

with stage.run(inputs=["generated", "ingested"], outputs=["figures"], metrics=True) as run:
    attributes = Path(run.params.caption.attributes)
    training = [record["photo"] for record in run.records("ingested") if record["split"] == "train"]
    run.score(evaluate.evaluate(list(run.records("generated")), run.output, run.params.evaluate, attributes, training))
