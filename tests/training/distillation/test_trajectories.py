from unittest import mock

import pytest
import torch
from diffusers import EulerDiscreteScheduler

from s2i.diffusion import base, encoding, sampling
from s2i.training.distillation import trajectories


def test_trajectories_hold_what_lcm_asks_for_and_where_the_teacher_ends(encoded, params, tiny_base):
    assert trajectories.lcm_timesteps((1, 2, 4)) == [999, 759, 499, 259]
    pipeline = base.load(tiny_base, tiny_base / "controlnet")
    encoded_examples = encoding.EncodedExamples(encoded, "train")
    items = trajectories.TeacherTrajectories(encoded_examples, pipeline, [tiny_base], "these", (1, 2), params())
    assert len(items) == 8 and [items[index]["timestep"].item() for index in range(3)] == [999, 499, 999]
    assert torch.equal(items[2]["clean"], items[3]["clean"]) and not torch.equal(items[0]["clean"], items[2]["clean"])
    assert torch.equal(items[2]["embedding"], encoded_examples[1]["embedding"])
    start = items[0]["noisy"]
    assert abs(start.mean()) < 0.2 and start.std() == pytest.approx(1, abs=0.2), "the trajectory begins with noise"
    denoise = sampling.denoise
    with mock.patch.object(sampling, "denoise", side_effect=denoise) as called:
        trajectories.TeacherTrajectories(encoded_examples, pipeline, [tiny_base], "these", (1, 2), params())
        assert not called.called, "they are cached"
        trajectories.TeacherTrajectories(encoded_examples, pipeline, [tiny_base], "others", (1, 2), params())
        assert called.called


def test_trajectories_of_a_base_with_another_scheduler_are_those_of_training(encoded, params, tiny_base):
    pipeline = base.load(tiny_base, tiny_base / "controlnet")
    encoded_examples = encoding.EncodedExamples(encoded, "train")
    expected = trajectories.TeacherTrajectories(encoded_examples, pipeline, [tiny_base], "these", (1, 2), params())[1]
    pipeline.scheduler = EulerDiscreteScheduler.from_config(pipeline.scheduler.config)
    found = trajectories.TeacherTrajectories(encoded_examples, pipeline, [tiny_base], "others", (1, 2), params())[1]
    assert found["timestep"].dtype == torch.int64 and torch.equal(found["clean"], expected["clean"])
