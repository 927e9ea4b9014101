"""Teach a student that draws in few steps, if `distill` says so.

data/augmented, data/encoded, models/trained, data/generated -> metrics/distill, models/student, metrics/distill.json
"""

from s2i.core import stage
from s2i.core.parallel import is_main_process

inputs, outputs = ("augmented", "encoded", "teacher", "generated"), ("log", "student")
with stage.run(inputs, outputs, metrics=True) as run:
    log, teacher = run.outputs["log"], run.inputs["teacher"]
    figures = {}
    for folder in ("plots/metrics", "plots/images"):
        (log / folder).mkdir(parents=True, exist_ok=True)
    if run.params.distill.steps:
        from s2i.evaluation import few_steps
        from s2i.training.distillation import student  # torch and diffusers take seconds to import

        examples, generated = run.records("augmented"), run.records("generated")
        student.distil(examples, run.inputs["encoded"], teacher, run.output, log, run.params)
        if is_main_process():
            figures = few_steps.compare(list(generated), teacher, run.output, log, run.params)
    run.score(figures)
