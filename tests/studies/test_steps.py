"""The study of how much guidance an image needs, and how many steps."""

import json
from itertools import product

import numpy as np
import pandas as pd
import pytest
import yaml

from s2i.core import records
from s2i.core.errors import UserError
from s2i.core.params import Params
from s2i.diffusion import image_cache
from s2i.imaging import io
from s2i.networks import lpips
from s2i.studies import steps


def rows(cells, colors=None):
    """Scores of twelve images in each cell: {(guidance_scale, control_guidance_scale, steps): (lpips, sharpness)}.

    colors: color_match by guidance_scale.
    """
    rng, table = np.random.default_rng(0), []
    for (scale, control_scale, number), (distance, sharpness) in cells.items():
        key = {"guidance_scale": scale, "control_guidance_scale": control_scale, "steps": number}
        for index in range(12):
            noise = 1e-5 * rng.normal()
            scores = dict.fromkeys(steps.METRICS, np.nan)
            scores |= {"lpips": distance + noise, "edge_f1": 1 - distance, "sharpness": sharpness + noise}
            scores |= {"window_recall": np.nan if index % 2 else 0.5, "color_match": (colors or {}).get(scale, np.nan)}
            table.append(key | {"example": index, "id": f"{index:016x}"} | scores)
    return pd.DataFrame(table)


def test_the_scales_with_the_least_lpips_are_chosen():
    table = rows({(1.0, 1.0, 8): (0.30, 0.5), (3.0, 1.0, 8): (0.25, 0.9), (3.0, 2.0, 8): (0.22, 0.6)})
    assert steps.best_scales(table, 0.01) == {"guidance_scale": 3.0, "control_guidance_scale": 2.0}


def test_of_scales_as_good_as_each_other_the_cheapest_are_chosen():
    near = rows({(3.0, 2.0, 8): (0.2200, 0.6), (3.0, 3.0, 8): (0.2210, 0.6), (5.0, 5.0, 8): (0.25, 0.6)})
    assert steps.best_scales(near, 0.01) == {"guidance_scale": 3.0, "control_guidance_scale": 3.0}
    assert steps.best_scales(near, 0.001) == {"guidance_scale": 3.0, "control_guidance_scale": 2.0}


def test_of_scales_as_good_as_each_other_those_are_chosen_that_heed_the_words():
    cells = {(2.0, 2.0, 8): (0.2200, 0.6), (3.0, 2.0, 8): (0.2210, 0.6), (5.0, 5.0, 8): (0.25, 0.6)}
    heeding = rows(cells, {2.0: 0.7, 3.0: 0.8, 5.0: 0.9})
    assert steps.best_scales(heeding, 0.01) == {"guidance_scale": 3.0, "control_guidance_scale": 2.0}
    assert steps.best_scales(rows(cells), 0.01)["guidance_scale"] == 2.0, "of photos whose colour nobody knows"


def test_the_fewest_steps_that_are_as_good_and_as_sharp_are_chosen():
    numbers = {1: (0.21, 0.2), 2: (0.21, 0.4), 4: (0.212, 0.56), 8: (0.211, 0.6), 20: (0.2105, 0.6)}
    table = rows({(3.0, 3.0, number): scores for number, scores in numbers.items()})
    assert steps.fewest_steps(table, 0.02) == 4, "fewer blur"
    noisy = rows({(3.0, 3.0, number): (0.21, sharpness) for number, sharpness in ((2, 0.92), (4, 1.4), (8, 1.6))})
    assert steps.fewest_steps(noisy, 0.02) == 2, "sharper than the photos is not better"
    assert steps.fewest_steps(table, 0.0001) == 20


def test_every_metric_of_a_cell_has_its_mean_and_interval_and_what_is_unknown_does_not_count():
    cells = steps.summary(rows({(3.0, 2.0, 8): (0.22, 0.6), (3.0, 2.0, 4): (0.3, 0.6)}), 0.95)
    by_metric = cells[cells["steps"] == 8].set_index("metric")
    assert set(by_metric.index) == {"lpips", "edge_f1", "sharpness", "window_recall"}, (
        "not those that nothing is known of"
    )
    assert by_metric.loc["window_recall", "images"] == 6 and by_metric.loc["lpips", "images"] == 12
    assert (cells["low"] <= cells["mean"]).all()
    chosen = {"guidance_scale": 3.0, "control_guidance_scale": 2.0, "steps": 8}
    assert steps.figures_of(cells, chosen)["lpips"] == pytest.approx(0.22, abs=1e-3)


@pytest.fixture
def studied(house, tmp_path, monkeypatch):
    """studied(splits) runs the study on photos of these splits; what was drawn is the photo, blurred in few steps."""
    requested = []

    def drawn(task, params, name):
        generate = params.generate
        requested.append((generate.guidance_scale, generate.control_guidance_scale, generate.steps, len(task.examples)))
        files = []
        for example in task.examples:
            image = io.read(example["photo"])
            if generate.steps < 4:
                image = io.resize_and_crop(io.resize_and_crop(image, 16), 64)
            files.append(tmp_path / f"{example['id']}-{generate.steps}.png")
            io.write_png(files[-1], image)
        return files

    monkeypatch.setattr(image_cache, "cached_images", drawn)
    monkeypatch.setattr(lpips, "load", lambda net, device: lambda a, b: (a - b).abs().mean(dim=(1, 2, 3)) + 0.1)
    train = {"steps": 1, "batch_size": 1, "learning_rate": 1e-3}
    params = Params(base="base", controlnet="controlnet", rank=2, resolution=64, train=train, generate={"steps": 50})

    def studied(splits):
        examples = []
        for number, split in enumerate(splits):
            io.write_png(tmp_path / f"{number}.png", io.resize_and_crop(house(number), 64))
            row = {"id": f"{number:016x}", "split": split, "variant": 0, "prompt": "house", "source": f"{number}.png"}
            row |= {"width": 64, "height": 64, "flip": False, "sketch_style": "given"}
            examples.append(row | {"photo": str(tmp_path / f"{number}.png"), "sketch": str(tmp_path / f"{number}.png")})
        (tmp_path / "augmented").mkdir()
        records.write(examples, tmp_path / "augmented")
        sweep = {"sketches": 10, "guidance_scale": [1, 3], "control_guidance_scale": [1, 3], "steps": [2, 4, 20]}
        (tmp_path / "sweep.yaml").write_text(yaml.safe_dump(sweep | {"tolerance": 0.01, "scales_in": 8}))
        (tmp_path / "metrics").mkdir()
        steps.run_study(
            tmp_path / "sweep.yaml", tmp_path / "augmented", tmp_path / "trained", tmp_path / "metrics", params
        )
        return requested

    return studied


def test_validation_sketches_alone_are_drawn_first_with_all_scales_then_in_all_steps(studied, tmp_path):
    requested = studied(["train", "val", "test", "val"])
    assert requested[:4] == [(*pair, 8, 2) for pair in product([1, 3], [1, 3])]
    assert requested[4:] == [(1, 1, number, 2) for number in (2, 4, 20)]
    found = json.loads((tmp_path / "metrics/steps.json").read_text())
    assert (found["steps"], found["guidance_scale"], found["control_guidance_scale"]) == (4, 1, 1)
    assert found["lpips"] == pytest.approx(0.1) and found["edge_f1"] == 1 and found["sketches"] == 2
    assert set(pd.read_csv(tmp_path / "metrics/steps.csv")["steps"]) == {2, 4, 8, 20}
    assert io.read(tmp_path / "metrics/steps.png").std() > 0


def test_without_validation_sketches_the_study_says_what_to_do(studied):
    with pytest.raises(UserError, match=r"augmented has no validation sketches: add photos, or raise ingest\.val"):
        studied(["train", "test"])
