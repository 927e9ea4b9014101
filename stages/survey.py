"""Say what the data is and what it lacks.  data/captioned, data/ingested -> metrics/data, metrics/data.json"""

from pathlib import Path

from s2i.core import stage
from s2i.dataset.survey import survey

with stage.run(inputs=["captioned", "ingested"], outputs=["card"], metrics=True) as run:
    quarantines = (run.inputs["ingested"], run.inputs["captioned"])
    settings = (run.params.survey, Path(run.params.caption.attributes), run.params.workers)
    run.score(survey.survey(run.records("captioned"), quarantines, run.output, *settings))
