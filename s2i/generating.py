"""Held-out sketches drawn by the trained model and, from the same seeds, by the untouched base."""

import shutil
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from s2i import draw_tasks, methods
from s2i.params import Params


def generate(records: Iterable[dict], trained: Path, folder: Path, params: Params) -> list[dict]:
    """The test records with ``finetuned`` and ``base``, pictures drawn by the method's model and without its training.

    ``prompt`` becomes what the method says of the record; with ``params.generate.prompts`` "empty" it is empty.

    Pictures are kept by content: a run that was interrupted draws only what is missing, and the base's pictures are
    drawn once for all fine-tunings of it.
    """
    method = methods.load(params.method)
    examples = [record for record in records if record["split"] == "test"]
    examples = [
        one | {"generation_seed": draw_tasks.seed_of(params.seed, one["id"], one["variant"])} for one in examples
    ]
    tasks = {
        "finetuned": method.draw_task(examples, trained, folder, params),
        "base": method.untouched(examples, params),
    }
    for name, task in tasks.items():
        if params.generate.prompts == "empty":
            task = replace(task, examples=[one | {"prompt": ""} for one in task.examples])
        places = draw_tasks.pictures(task, params, f"draw ({name})")
        for example, said, place in zip(examples, task.examples, places, strict=True):
            example[name] = str(folder / name / f"{example['id']}-{example['variant']}.png")
            Path(example[name]).parent.mkdir(exist_ok=True)
            shutil.copyfile(place, example[name])
            if name == "finetuned":
                example["prompt"] = said["prompt"]
    return examples
