"""Score the drawn pictures against the photos.  data/generated -> metrics/evaluate, metrics/evaluate.json"""

from s2i import evaluation, records, stage

with stage.run() as (params, (source,), output):
    output.score(evaluation.evaluate(list(records.Records(source)), output.folder, params.evaluate))
