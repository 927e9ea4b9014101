"""Say what the data is and what it lacks.  data/captioned, data/ingested -> metrics/data, metrics/data.json"""

from pathlib import Path

from s2i.core import records, stage
from s2i.dataset.survey import survey

with stage.run() as (params, (captioned, ingested), output):
    settings = (params.survey, Path(params.caption.attributes), params.workers)
    output.score(survey.survey(records.Records(captioned), (ingested, captioned), output.folder, *settings))
