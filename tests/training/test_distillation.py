import json
import shutil
from unittest import mock

import numpy as np
import pandas as pd
import pytest
import torch
from diffusers import (
    ControlNetModel,
    DDIMScheduler,
    DDPMScheduler,
    EulerDiscreteScheduler,
    LCMScheduler,
    StableDiffusionControlNetPipeline,
)
from helpers.noise import LATENTS, noise_of
from PIL import Image

from s2i.core.errors import UserError
from s2i.core.params import Encode
from s2i.diffusion import base, controlnets, encoding, sampling
from s2i.evaluation import few_steps
from s2i.generation import find_model
from s2i.generation.model import SketchToImage
from s2i.imaging import io
from s2i.imaging.control_images import control_images
from s2i.networks import st_lpips
from s2i.training.distillation import trajectories
from s2i.training.distillation.losses import (
    consistency_loss,
    noise_between,
    trajectory_end,
    trajectory_loss,
)
from s2i.training.distillation.student import distil
from s2i.training.randomness import BatchRandom

SCHEDULE = {"beta_schedule": "scaled_linear", "beta_start": 0.00085, "beta_end": 0.012, "clip_sample": False}
NOISE = DDPMScheduler(**SCHEDULE)


def loss(student, teacher):
    return consistency_loss(student, teacher, LATENTS, NOISE, BatchRandom(torch.device("cpu")).seed(0), 50)


def right(noisy, timesteps):
    return noise_of(NOISE, noisy, timesteps)


def test_a_student_that_always_sees_the_image_is_consistent_and_one_that_sees_nothing_is_not():
    assert loss(right, right) < 0.02, "near the end it gives the noisy latents themselves"
    assert loss(lambda noisy, timesteps: torch.zeros_like(noisy), right) > 0.2


def test_only_the_answer_from_further_away_learns():
    factor = torch.ones((), requires_grad=True)
    asked = []

    def student(noisy, timesteps):
        asked.append((timesteps, torch.is_grad_enabled()))
        return factor * right(noisy, timesteps)

    loss(student, right).backward()
    (start, learns), (end, told) = asked
    assert learns and not told and factor.grad.abs() > 0
    assert ((start - end) == 20).all() or (end[start - end != 20] == 0).all()


def test_the_way_from_one_timestep_to_the_next_is_ddims():
    generator = torch.Generator().manual_seed(1)
    noisy, prediction = (torch.randn(LATENTS.shape, generator=generator) for _ in range(2))
    ddim = DDIMScheduler(**SCHEDULE, set_alpha_to_one=False)
    ddim.set_timesteps(50)
    stepped = ddim.step(prediction, 519, noisy)
    timesteps = torch.full((len(LATENTS),), 519)
    noise = noise_between(noisy, stepped.pred_original_sample, timesteps, NOISE)
    torch.testing.assert_close(noise, prediction, atol=1e-4, rtol=1e-4)
    nearer = NOISE.add_noise(stepped.pred_original_sample, noise, timesteps - 20)
    torch.testing.assert_close(nearer, stepped.prev_sample, atol=1e-4, rtol=1e-4)


def test_what_is_read_off_a_prediction_is_what_lcms_scheduler_reads():
    generator = torch.Generator().manual_seed(1)
    noisy, prediction = (torch.randn(LATENTS.shape, generator=generator) for _ in range(2))
    lcm = LCMScheduler(**SCHEDULE)
    lcm.set_timesteps(4)
    for timestep in lcm.timesteps:
        read = trajectory_end(prediction, noisy, timestep.expand(len(noisy)), NOISE)
        torch.testing.assert_close(read, lcm.step(prediction, timestep, noisy).denoised, atol=1e-4, rtol=1e-4)


def test_a_student_that_ends_where_the_path_does_has_no_loss():
    timesteps = torch.full((len(LATENTS),), 499)
    noise = torch.randn(LATENTS.shape, generator=torch.Generator().manual_seed(2))
    noisy = NOISE.add_noise(LATENTS, noise, timesteps)
    assert trajectory_loss(lambda *_: noise, noisy, timesteps, LATENTS, NOISE) < 1e-3
    assert trajectory_loss(lambda *_: torch.zeros_like(noise), noisy, timesteps, LATENTS, NOISE) > 0.1


def test_paths_hold_what_lcm_asks_for_and_where_the_teacher_ends(examples, params, tiny_base, tmp_path):
    assert trajectories.lcm_timesteps((1, 2, 4)) == [999, 759, 499, 259]
    pipeline = base.load(tiny_base, tiny_base / "controlnet")
    encoding.encode(examples, tmp_path / "encoded", pipeline, str(tiny_base), ["sketch"], Encode())
    encoded = encoding.EncodedExamples(tmp_path / "encoded", "train")
    seen = trajectories.TeacherTrajectories(encoded, pipeline, [tiny_base], "these", (1, 2), params())
    assert len(seen) == 8 and [seen[place]["timestep"].item() for place in range(3)] == [999, 499, 999]
    assert torch.equal(seen[2]["clean"], seen[3]["clean"]) and not torch.equal(seen[0]["clean"], seen[2]["clean"])
    assert torch.equal(seen[2]["embedding"], encoded[1]["embedding"])
    fresh = seen[0]["noisy"]
    assert abs(fresh.mean()) < 0.2 and fresh.std() == pytest.approx(1, abs=0.2), "the path begins with noise"
    loaded = sampling.denoise
    with mock.patch.object(sampling, "denoise", side_effect=loaded) as drawn:
        trajectories.TeacherTrajectories(encoded, pipeline, [tiny_base], "these", (1, 2), params())
        assert not drawn.called, "it is kept"
        trajectories.TeacherTrajectories(encoded, pipeline, [tiny_base], "others", (1, 2), params())
        assert drawn.called


@pytest.fixture(params=["path", "consistency"])
def taught(request, examples, params, tiny_base, tmp_path):
    """A student of the tiny base's ControlNet, which is its own teacher, and what it was taught with."""
    settings = {"steps": 4, "rank": 2, "batch_size": 2, "learning_rate": 3e-2, "validate_every": 2}
    chosen = params(distill=settings | {"loss": request.param, "warmup_steps": 0, "ema_decay": 0})
    pipeline = base.load(tiny_base, tiny_base / "controlnet")
    encoding.encode(examples, tmp_path / "encoded", pipeline, str(tiny_base), ["sketch"], Encode())
    student = tmp_path / "student"
    student.mkdir()
    live = tmp_path / "live"
    distil(examples, tmp_path / "encoded", tiny_base, student, live, chosen)
    return student, chosen, live


def test_a_student_is_a_lora_that_plain_diffusers_draws_the_same_image_with(taught, examples, tiny_base):
    student, chosen, live = taught
    sketch = io.read_grey(examples[0]["sketch"])
    found = find_model.find(student, chosen)
    settings = found.params.generate
    assert (settings.steps, settings.guidance_scale, settings.scheduler) == (4, 1, "lcm")
    model = SketchToImage(found)
    *_, last = model.denoise([sketch], "house", [3], settings)
    (ours,) = model.images(last, "house", [3], settings)

    plain = StableDiffusionControlNetPipeline.from_pretrained(
        tiny_base, controlnet=ControlNetModel.from_pretrained(tiny_base / "controlnet"), safety_checker=None
    )
    plain.load_lora_weights(student / "unet_lora")
    plain.controlnet.load_lora_adapter(student / "adapter", prefix=None, use_safetensors=True)
    plain.scheduler = LCMScheduler.from_config(plain.scheduler.config, clip_sample=False)
    ((control,),) = (control_images(sketch),)
    theirs = plain(
        "house",
        Image.fromarray(control).convert("RGB"),
        num_inference_steps=4,
        guidance_scale=1.0,
        width=64,
        height=64,
        generator=torch.Generator().manual_seed(3),
        output_type="np",
    ).images[0]
    assert np.abs(ours.image - theirs * 255).max() <= 2
    assert {"validation_edge_f1", "loss"} <= set(json.loads((live / "metrics.json").read_text()))
    assert (live / "plots/images/validation.png").exists()


def test_a_student_comes_nearer_to_where_the_paths_end(examples, params, tiny_base, tmp_path):
    settings = {"steps": 40, "rank": 8, "batch_size": 4, "learning_rate": 1e-2, "warmup_steps": 0, "ema_decay": 0}
    chosen = params(distill=settings | {"validate_every": 100})
    pipeline = base.load(tiny_base, tiny_base / "controlnet")
    encoding.encode(examples[:1] + examples[4:], tmp_path / "encoded", pipeline, str(tiny_base), ["sketch"], Encode())
    (tmp_path / "student").mkdir()
    distil(examples, tmp_path / "encoded", tiny_base, tmp_path / "student", tmp_path / "live", chosen)
    one = encoding.EncodedExamples(tmp_path / "encoded", "train")
    (_, end) = seen = [
        trajectories.TeacherTrajectories(one, pipeline, [tiny_base], "this", (1, 2), chosen)[place]
        for place in range(2)
    ]
    apart = []
    for place in (tiny_base, tmp_path / "student"):
        artist = SketchToImage(find_model.find(place, chosen)).pipeline
        unet, net = artist.unet, artist.controlnet
        errors = []
        for item in seen:
            words, shown = item["embedding"][None], [item["control.sketch"][None].expand(-1, 3, -1, -1)]
            where = item["noisy"][None], item["timestep"][None]
            with torch.no_grad():
                said = controlnets.predict(unet, net, *where, words, shown)
            errors.append((trajectory_end(said, *where, pipeline_noise(pipeline)) - end["clean"]).abs().mean().item())
        apart.append(np.mean(errors))
    assert apart[1] < 0.7 * apart[0]


def pipeline_noise(pipeline):
    """The noise that the pipeline's base was trained with."""
    return DDPMScheduler.from_config(pipeline.scheduler.config)


def test_paths_of_a_base_with_another_scheduler_are_those_of_training(examples, params, tiny_base, tmp_path):
    pipeline = base.load(tiny_base, tiny_base / "controlnet")
    encoding.encode(examples, tmp_path / "encoded", pipeline, str(tiny_base), ["sketch"], Encode())
    encoded = encoding.EncodedExamples(tmp_path / "encoded", "train")
    expected = trajectories.TeacherTrajectories(encoded, pipeline, [tiny_base], "these", (1, 2), params())[1]
    pipeline.scheduler = EulerDiscreteScheduler.from_config(pipeline.scheduler.config)
    found = trajectories.TeacherTrajectories(encoded, pipeline, [tiny_base], "others", (1, 2), params())[1]
    assert found["timestep"].dtype == torch.int64 and torch.equal(found["clean"], expected["clean"])


def test_a_student_of_two_conditions_has_an_adapter_for_each(examples, params, tiny_base, tmp_path):
    conditions = ["sketch", "edges"]
    pipeline = base.load(tiny_base, base.load_controlnet(*[tiny_base / "controlnet"] * 2))
    encoding.encode(examples, tmp_path / "encoded", pipeline, str(tiny_base), conditions, Encode())
    for name in ("controlnet", "controlnet_1"):
        shutil.copytree(tiny_base / "controlnet", tmp_path / "teacher" / name)
    chosen = params(conditions=conditions, distill={"steps": 1, "rank": 2, "batch_size": 2})
    (tmp_path / "student").mkdir()
    told = tmp_path / "encoded", tmp_path / "teacher", tmp_path / "student", tmp_path / "live"
    distil(examples, *told, chosen)
    assert len(find_model.find(tmp_path / "student", chosen).controlnets) == 2
    assert (tmp_path / "student/adapter_1/pytorch_lora_weights.safetensors").exists()


@pytest.mark.parametrize("content", ['{"steps":', "[4]", '{"steps": "four"}', '{"stepz": 3}'])
def test_how_a_student_draws_is_checked(content, tiny_base, tmp_path, params):
    student = shutil.copytree(tiny_base / "controlnet", tmp_path / "student/controlnet").parent
    (student / "generate.json").write_text(content)
    with pytest.raises(UserError, match=r"generate\.json is no JSON object|steps|stepz"):
        find_model.find(student, params())


def test_where_no_student_was_taught_that_is_said(tmp_path, monkeypatch, params):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match=r"models/student holds no student: set distill\.steps"):
        find_model.find("models/student", params())


def test_student_and_teacher_are_compared_by_steps_and_seconds(taught, examples, tiny_base, tmp_path, monkeypatch):
    student, chosen, live = taught
    monkeypatch.setattr(few_steps, "STEPS", {"teacher": (3, 1), "student": (2, 1)})
    monkeypatch.setattr(st_lpips.ShiftTolerantLPIPS, "load", lambda: lambda a, b: (a - b).abs().mean(dim=(1, 2, 3)))
    drawn = [one | {"generation_seed": number} for number, one in enumerate(examples)]
    figures = few_steps.compare(drawn, tiny_base, student, live, chosen)
    assert list(figures) == ["teacher_3", "teacher_1", "student_2", "student_1", "images"]
    assert list(figures["teacher_3"]) == ["seconds", "st_lpips", "edge_f1"]
    assert all(figures[name]["seconds"] > 0 for name in list(figures)[:-1])
    table = pd.read_csv(live / "table.csv")
    first, few = table.iloc[0], table[table["model"] == "student"].iloc[0]
    assert few["st_lpips_change"] == pytest.approx(1 - few["st_lpips"] / first["st_lpips"], abs=1e-4)
    assert few["edge_f1_change"] == pytest.approx(few["edge_f1"] / first["edge_f1"] - 1, abs=1e-4)
    assert (table["edge_f1_change_low"] <= table["edge_f1_change"]).all()
    for name in ("quality.png", "mosaic.png"):
        assert np.asarray(Image.open(live / "plots/images" / name)).std() > 5


def test_there_is_no_student_of_a_method_without_sketches(examples, params, tiny_base, tmp_path):
    with pytest.raises(UserError, match="distill needs method controlnet, and method is dreambooth"):
        distil(examples, tmp_path, tiny_base, tmp_path, tmp_path, params(method="dreambooth"))
