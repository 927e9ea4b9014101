"""Held-out sketches drawn by the fine-tuned model and, from the same seeds, by the untouched base."""

import shutil
from collections.abc import Iterable, Sequence
from pathlib import Path

from s2i import base, cache, controls, devices, images, sampling
from s2i.files import whole_file
from s2i.params import Params


def generate(records: Iterable[dict], trained: Path, folder: Path, params: Params) -> list[dict]:
    """The test records with ``finetuned`` and ``base``, the pictures drawn from each one's sketch and prompt.

    With ``params.generate.prompts`` "empty" the prompt is empty.  Else every ``params.generate.unprompted``-th record
    also has ``unprompted``, what the fine-tuned model draws from the same seed without its prompt.

    Pictures are kept by content: a run that was interrupted draws only what is missing, and the base's pictures are
    drawn once for all fine-tunings of it.
    """
    examples = [record for record in records if record["split"] == "test"]
    if params.generate.prompts == "empty":
        examples = [one | {"prompt": ""} for one in examples]
    examples = [one | {"generation_seed": _seed(params.seed, one["id"], one["variant"])} for one in examples]
    finetuned = base.saved_controlnets(trained, len(params.conditions)), params.conditions
    every = params.generate.unprompted if params.generate.prompts == "given" else 0
    silent = examples[::every] if every else []
    sets = {"finetuned": (examples, *finetuned), "base": (examples, [params.controlnet], ["sketch"])}
    sets |= {"unprompted": (silent, *finetuned)} if silent else {}
    for name, (chosen, places, conditions) in sets.items():
        asked = [one | {"prompt": ""} for one in chosen] if name == "unprompted" else chosen
        kept = drawn(asked, places, conditions, name, params)
        for example, picture in zip(chosen, kept, strict=True):
            example[name] = str(folder / name / f"{example['id']}-{example['variant']}.png")
            Path(example[name]).parent.mkdir(exist_ok=True)
            shutil.copyfile(picture, example[name])
    return examples


def drawn(
    examples: list[dict], controlnets: Sequence[str | Path], conditions: Sequence[str], name: str, params: Params
) -> list[Path]:
    """Where the cache keeps the picture of every example; those it has not are drawn."""
    device, precision = devices.pick(params.device, params.precision)
    models = [cache.model_hash(model) for model in (params.base, *controlnets)]
    settings = [
        [*cache.code(__name__, "s2i.sampling"), *controls.code()],
        conditions,
        params.generate.model_dump(exclude={"batch_size", "prompts", "unprompted"}),
        params.resolution,
        device.type,
        precision,
    ]
    places = [
        cache.place(
            ".png", "generate", models, settings, one["prompt"], one["generation_seed"], cache.file_hash(one["sketch"])
        )
        for one in examples
    ]
    missing = [(example, place) for example, place in zip(examples, places, strict=True) if not place.exists()]
    if missing:
        dtype = devices.DTYPES[precision]
        pipeline = base.load(params.base, base.load_controlnet(*controlnets, dtype=dtype), dtype).to(device)
        pictures = sampling.draw(
            pipeline,
            [example["prompt"] for example, _ in missing],
            [example["generation_seed"] for example, _ in missing],
            controls=[controls.of(example, conditions) for example, _ in missing],
            resolution=params.resolution,
            **params.generate.model_dump(exclude={"prompts", "unprompted"}),
            description=f"draw ({name})",
        )
        for (_, place), picture in zip(missing, pictures, strict=True):
            with whole_file(place) as draft:
                images.write_png(draft, picture)
    return places


def _seed(seed: int, photo_id: str, variant: int) -> int:
    return int(cache.fingerprint("generate", seed, photo_id, variant)[:8], 16)
