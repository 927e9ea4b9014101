"""A small study of training choices, and the scores of its runs."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

from s2i.studies.ablation import plan, runs


@pytest.fixture
def study():
    return {
        "seeds": [0, 1],
        "reference": "modified",
        "common": {"train.steps": 5, "generate.steps": 2},
        "without_prompts": ["modified"],
        "sweeps": {
            "dW": {"key": "train.adapter_learning_rate", "values": [1e-3, 1e-2]},
            "W0": {"key": "train.learning_rate", "values": [1e-4, 1e-3]},
        },
        "groups": {
            "whole": {"none": {"adapter": "none"}, "full": {"sweep": "W0", "adapter": "full"}},
            "low rank": {
                "modified": {"sweep": "dW", "adapter": "modified", "rank": 4},
                "white": {"like": "modified", "adapter": "modified", "rank": 4, "matte.background": "white"},
            },
        },
        "of_the_building": ["white"],
        "seconds": {"step": 1, "edge": 1, "stages": 30, "validation": 5},
    }


@pytest.fixture
def values():
    return yaml.safe_load((Path(__file__).parents[3] / "params.yaml").read_text(encoding="utf-8"))


@pytest.fixture
def table(study, values):
    """Scores of every run but one, full with seed 1; the better, the higher the rank."""
    rng, rows = np.random.default_rng(0), []
    difficulty = rng.normal(size=12)
    for run in plan.planned_runs(study, values):
        level = {"none": 0.5, "full": 0.3, "modified": 0.2, "white": 0.2}[run.experiment] + 0.1 * (
            run.prompts == "empty"
        )
        for photo in range(12 if run.name != "ablation-full-1" else 0):
            score = level + 0.05 * difficulty[photo] + 0.01 * rng.normal() + 0.02 * run.seed
            scores = {"lpips": score, "edge_f1": 1 - score, "window_recall": 1 - score, "lpips_matte": score}
            key = dict(zip(runs.KEY, run.key, strict=True)) | {"photo": f"{photo:016x}"}
            rows.append(key | {"trained": 1000, "seconds": 60.0} | scores)
    return pd.DataFrame(rows)
