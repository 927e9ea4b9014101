"""Teach a student that draws in few steps, if `distill` says so.

data/augmented, data/encoded, models/trained, data/generated -> models/student, metrics/distill, metrics/distill.json
"""

from s2i import records, stage

with stage.run() as (params, (augmented, encoded, teacher, generated, shown), output):
    if not params.distill.steps:
        shown.mkdir(parents=True, exist_ok=True)
        output.score({})
    else:
        from s2i import distilling, few_steps  # torch and diffusers take seconds to import

        distilling.distil(records.Records(augmented), encoded, teacher, output.folder, shown, params)
        output.score(few_steps.compare(list(records.Records(generated)), teacher, output.folder, shown, params))
