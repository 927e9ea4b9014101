"""The study of how many steps an image needs."""

import numpy as np
import pandas as pd

from s2i.core.params import Params
from s2i.diffusion import image_cache
from s2i.imaging import io
from s2i.studies import steps


def grid(best=0.8):
    """Scores that rise with steps to a ceiling, higher with a guidance of 3."""
    rng, rows = np.random.default_rng(0), []
    for guidance_scale, extra in ((1.0, 0.05), (3.0, 0.0)):
        for number, more in ((2, 0.2), (8, 0.006), (20, 0.002), (50, 0.0)):
            for index in range(12):
                score = best - extra - more + 1e-5 * rng.normal()
                row = {"steps": number, "guidance_scale": guidance_scale, "id": f"{index:016x}"}
                rows.append(row | {"category": "tower" if index % 2 else "house", "edge_f1": score})
    return pd.DataFrame(rows)


def test_the_fewest_steps_within_one_percent_of_the_best_are_recommended():
    cells = steps.summary(grid(), 0.95)
    assert set(cells["category"]) == {"all", "house", "tower"} and (cells["low"] <= cells["mean"]).all()
    chosen = steps.recommendation(cells, 0.01)
    assert (chosen["steps"], chosen["guidance_scale"]) == (8, 3.0)
    assert steps.recommendation(cells, 0.001)["steps"] == 50


def test_the_curves_are_drawn(tmp_path):
    cells = steps.summary(grid(), 0.95)
    steps.plot(cells, steps.recommendation(cells, 0.01), tmp_path / "steps.png")
    assert io.read(tmp_path / "steps.png").std() > 0


def test_every_cell_is_drawn_from_the_same_sketches_and_scored(house, tmp_path, monkeypatch):
    examples, requested = [], []
    for number in range(2):
        io.write_png(tmp_path / f"{number}.png", io.resize_and_crop(house(number), 64))
        examples.append({"id": f"{number:016x}", "photo": str(tmp_path / f"{number}.png"), "structure": "house"})

    def drawn(task, params, name):
        requested.append((params.generate.steps, params.generate.guidance_scale))
        return [example["photo"] for example in task.examples][:: 1 if params.generate.steps > 2 else -1]

    monkeypatch.setattr(image_cache, "cached_images", drawn)
    train = {"steps": 1, "batch_size": 1, "learning_rate": 1e-3}
    params = Params(base="base", controlnet="controlnet", rank=2, resolution=64, train=train)
    table = steps.score_grid(examples, {"steps": [2, 4], "guidance_scale": [1.0, 3.0]}, params, tmp_path, tmp_path)
    assert requested == [(2, 1.0), (4, 1.0), (2, 3.0), (4, 3.0)] and len(table) == 8
    assert (table[table["steps"] == 4]["edge_f1"] == 1).all() and (table[table["steps"] == 2]["edge_f1"] < 1).all()
