"""Held-out sketches drawn by the trained model and, from the same seeds, by the untouched base."""

import shutil
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from s2i.core.params import Params
from s2i.diffusion import image_cache
from s2i.training import methods


def generate(records: Iterable[dict], trained: Path, folder: Path, params: Params) -> list[dict]:
    """The test records with ``finetuned`` and ``base``, images drawn by the method's model and without its training.

    ``prompt`` becomes what the method says of the record; with ``params.generate.prompts`` "empty" it is empty.  Else
    every ``params.generate.unprompted``-th record also has ``unprompted``, what the trained model draws from the same
    seed without its prompt.

    Images are kept by content: a run that was interrupted draws only what is missing, and the base's images are
    drawn once for all fine-tunings of it.
    """
    method, seed = methods.load(params.method), params.seed
    examples = [record for record in records if record["split"] == "test"]
    examples = [one | {"generation_seed": image_cache.seed_of(seed, one["id"], one["variant"])} for one in examples]
    finetuned, base = method.draw_task(examples, trained, folder, params), method.untouched(examples, params)
    if params.generate.prompts == "empty":
        tasks = {"finetuned": without_prompts(finetuned), "base": without_prompts(base)}
    else:
        tasks = {"finetuned": finetuned, "base": base}
        if every := params.generate.unprompted:
            tasks["unprompted"] = without_prompts(replace(finetuned, examples=finetuned.examples[::every]))
    examples = [
        one | {"prompt": said["prompt"]} for one, said in zip(examples, tasks["finetuned"].examples, strict=True)
    ]
    for name, task in tasks.items():
        places = image_cache.cached_images(task, params, f"draw ({name})")
        shown = examples[:: params.generate.unprompted] if name == "unprompted" else examples
        for example, place in zip(shown, places, strict=True):
            example[name] = str(folder / name / f"{example['id']}-{example['variant']}.png")
            Path(example[name]).parent.mkdir(exist_ok=True)
            shutil.copyfile(place, example[name])
    return examples


def without_prompts(task: image_cache.GenerationTask) -> image_cache.GenerationTask:
    """The same without words."""
    return replace(task, examples=[one | {"prompt": ""} for one in task.examples])
