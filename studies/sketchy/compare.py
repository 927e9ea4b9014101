"""Compare the variants of the study.

data/sketchy/items, drawn, training -> data/sketchy/mosaics, metrics/sketchy/study, metrics/sketchy/study.json
"""

from s2i.core import stage
from s2i.studies.sketchy import compare

with stage.run(inputs=["items", "drawn", "training"], outputs=["mosaics", "figures"], metrics=True) as run:
    folders = (run.inputs["drawn"], run.inputs["training"], run.outputs["mosaics"], run.output)
    run.score(compare.compare(list(run.records("items")), *folders, run.params))
