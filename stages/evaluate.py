"""Score the drawn pictures against the photos.  data/generated -> metrics/evaluate, metrics/evaluate.json"""

from pathlib import Path

from s2i import evaluation, records, stage

with stage.run() as (params, (source,), output):
    drawn = list(records.Records(source))
    output.score(evaluation.evaluate(drawn, output.folder, params.evaluate, Path(params.caption.attributes)))
