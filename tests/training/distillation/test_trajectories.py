from unittest import mock

import pytest
import torch
from diffusers import (
    EulerDiscreteScheduler,
)

from s2i.diffusion import base, encoding, sampling
from s2i.training.distillation import trajectories


def test_paths_hold_what_lcm_asks_for_and_where_the_teacher_ends(encoded, params, tiny_base):
    assert trajectories.lcm_timesteps((1, 2, 4)) == [999, 759, 499, 259]
    pipeline = base.load(tiny_base, tiny_base / "controlnet")
    encoded_examples = encoding.EncodedExamples(encoded, "train")
    seen = trajectories.TeacherTrajectories(encoded_examples, pipeline, [tiny_base], "these", (1, 2), params())
    assert len(seen) == 8 and [seen[place]["timestep"].item() for place in range(3)] == [999, 499, 999]
    assert torch.equal(seen[2]["clean"], seen[3]["clean"]) and not torch.equal(seen[0]["clean"], seen[2]["clean"])
    assert torch.equal(seen[2]["embedding"], encoded_examples[1]["embedding"])
    fresh = seen[0]["noisy"]
    assert abs(fresh.mean()) < 0.2 and fresh.std() == pytest.approx(1, abs=0.2), "the path begins with noise"
    loaded = sampling.denoise
    with mock.patch.object(sampling, "denoise", side_effect=loaded) as drawn:
        trajectories.TeacherTrajectories(encoded_examples, pipeline, [tiny_base], "these", (1, 2), params())
        assert not drawn.called, "it is kept"
        trajectories.TeacherTrajectories(encoded_examples, pipeline, [tiny_base], "others", (1, 2), params())
        assert drawn.called


def test_paths_of_a_base_with_another_scheduler_are_those_of_training(encoded, params, tiny_base):
    pipeline = base.load(tiny_base, tiny_base / "controlnet")
    encoded_examples = encoding.EncodedExamples(encoded, "train")
    expected = trajectories.TeacherTrajectories(encoded_examples, pipeline, [tiny_base], "these", (1, 2), params())[1]
    pipeline.scheduler = EulerDiscreteScheduler.from_config(pipeline.scheduler.config)
    found = trajectories.TeacherTrajectories(encoded_examples, pipeline, [tiny_base], "others", (1, 2), params())[1]
    assert found["timestep"].dtype == torch.int64 and torch.equal(found["clean"], expected["clean"])
