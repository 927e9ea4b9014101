from pathlib import Path

from s2i.diffusion import image_cache
from s2i.imaging import io
from s2i.training.methods.method import load_method

DATA = Path(__file__).parents[3] / "data"


def test_text_in_the_middle_draws_alike_what_is_said_alike(rows, method_params, trained):
    settings = method_params("text_in_the_middle", caption={"by": ["columns"]}, base=str(DATA / "base"))
    same_seed = [row | {"split": "test", "generation_seed": 5} for row in rows]
    target = trained(settings)
    task = load_method("text_in_the_middle").generation_task(same_seed, target, target, settings)
    assert [one["prompt"] for one in task.examples] == ["barn"] * 3 + ["church"] * 3
    places = image_cache.cached_images(task, settings, "draw")
    assert len(set(places)) == 2, "sketches differ, what is said of them does not"
    assert (io.read(places[0]) != io.read(places[-1])).any()


def test_text_in_the_middle_looks_at_the_sketch_and_not_at_the_photo(rows, method_params, trained, monkeypatch):
    from s2i.dataset.captioning import captioners

    seen = []
    read = captioners._with_attributes
    monkeypatch.setattr(
        captioners, "_with_attributes", lambda one, **how: seen.append(one["photo"]) or read(one, **how)
    )
    settings = method_params("text_in_the_middle", caption={"by": ["attributes"]}, resolution=64, workers={"count": 1})
    target = trained(settings)
    test = [row | {"matte": row["photo"]} for row in rows if row["split"] == "test"]
    load_method("text_in_the_middle").generation_task(test, target, target, settings)
    assert seen == [row["sketch"] for row in test]
