"""Score the drawn images against the photos.  data/generated -> metrics/evaluate, metrics/evaluate.json"""

from pathlib import Path

from s2i.core import records, stage
from s2i.evaluation import evaluate

with stage.run() as (params, (source,), output):
    drawn = list(records.Records(source))
    output.score(evaluate.evaluate(drawn, output.folder, params.evaluate, Path(params.caption.attributes)))
