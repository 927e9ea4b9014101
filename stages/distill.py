"""Teach a student that draws in few steps, if `distill` says so.

data/augmented, data/encoded, models/trained, data/generated -> models/student, metrics/distill, metrics/distill.json
"""

from s2i.core import records, stage
from s2i.core.parallel import is_main_process

with stage.run() as (params, (augmented, encoded, teacher, generated, live), output):
    figures = {}
    for folder in ("plots/metrics", "plots/images"):
        (live / folder).mkdir(parents=True, exist_ok=True)
    if params.distill.steps:
        from s2i.evaluation import few_steps
        from s2i.training.distillation import student  # torch and diffusers take seconds to import

        student.distil(records.Records(augmented), encoded, teacher, output.folder, live, params)
        if is_main_process():
            figures = few_steps.compare(list(records.Records(generated)), teacher, output.folder, live, params)
    if is_main_process():
        output.score(figures)
