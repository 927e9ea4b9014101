import json
from unittest import mock

import numpy as np
import pandas as pd
import pytest
import torch
from diffusers import (
    ControlNetModel,
    DDIMScheduler,
    DDPMScheduler,
    LCMScheduler,
    StableDiffusionControlNetPipeline,
)
from PIL import Image
from test_generating import examples, params, tiny_base  # noqa: F401
from test_objectives import LATENTS, noise_of

from s2i import base, distilling, drawing, encoding, few_steps, images, paths, sampling, trained
from s2i.consistency import _noise, consistency_loss, consistent, path_loss
from s2i.controls import control_images
from s2i.draws import Draws
from s2i.errors import UserError
from s2i.metrics import perceptual
from s2i.params import Encode

SCHEDULE = {"beta_schedule": "scaled_linear", "beta_start": 0.00085, "beta_end": 0.012, "clip_sample": False}
NOISE = DDPMScheduler(**SCHEDULE)


def loss(student, teacher):
    return consistency_loss(student, teacher, LATENTS, NOISE, Draws(torch.device("cpu")).seed(0), 50)


def right(noisy, timesteps):
    return noise_of(NOISE, noisy, timesteps)


def test_a_student_that_always_sees_the_picture_is_consistent_and_one_that_sees_nothing_is_not():
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
    noise = _noise(noisy, stepped.pred_original_sample, timesteps, NOISE)
    torch.testing.assert_close(noise, prediction, atol=1e-4, rtol=1e-4)
    nearer = NOISE.add_noise(stepped.pred_original_sample, noise, timesteps - 20)
    torch.testing.assert_close(nearer, stepped.prev_sample, atol=1e-4, rtol=1e-4)


def test_what_is_read_off_a_prediction_is_what_lcms_scheduler_reads():
    generator = torch.Generator().manual_seed(1)
    noisy, prediction = (torch.randn(LATENTS.shape, generator=generator) for _ in range(2))
    lcm = LCMScheduler(**SCHEDULE)
    lcm.set_timesteps(4)
    for timestep in lcm.timesteps:
        read = consistent(prediction, noisy, timestep.expand(len(noisy)), NOISE)
        torch.testing.assert_close(read, lcm.step(prediction, timestep, noisy).denoised, atol=1e-4, rtol=1e-4)


def test_a_student_that_ends_where_the_path_does_has_no_loss():
    timesteps = torch.full((len(LATENTS),), 499)
    noise = torch.randn(LATENTS.shape, generator=torch.Generator().manual_seed(2))
    noisy = NOISE.add_noise(LATENTS, noise, timesteps)
    assert path_loss(lambda *_: noise, noisy, timesteps, LATENTS, NOISE) < 1e-3
    assert path_loss(lambda *_: torch.zeros_like(noise), noisy, timesteps, LATENTS, NOISE) > 0.1


def test_paths_hold_what_lcm_asks_for_and_where_the_teacher_ends(examples, params, tiny_base, tmp_path):  # noqa: F811
    assert paths.timesteps((1, 2, 4)) == [999, 759, 499, 259]
    pipeline = base.load(tiny_base, tiny_base / "controlnet")
    encoding.encode(examples, tmp_path / "encoded", pipeline, str(tiny_base), ["sketch"], Encode())
    encoded = encoding.EncodedExamples(tmp_path / "encoded", "train")
    seen = paths.Paths(encoded, pipeline, [tiny_base], "these", (1, 2), params())
    assert len(seen) == 8 and [seen[place]["timestep"].item() for place in range(3)] == [999, 499, 999]
    assert torch.equal(seen[2]["clean"], seen[3]["clean"]) and not torch.equal(seen[0]["clean"], seen[2]["clean"])
    assert torch.equal(seen[2]["embedding"], encoded[1]["embedding"])
    fresh = seen[0]["noisy"]
    assert abs(fresh.mean()) < 0.2 and fresh.std() == pytest.approx(1, abs=0.2), "the path begins with noise"
    loaded = sampling.denoise
    with mock.patch.object(sampling, "denoise", side_effect=loaded) as drawn:
        paths.Paths(encoded, pipeline, [tiny_base], "these", (1, 2), params())
        assert not drawn.called, "it is kept"
        paths.Paths(encoded, pipeline, [tiny_base], "others", (1, 2), params())
        assert drawn.called


@pytest.fixture(params=["path", "consistency"])
def taught(request, examples, params, tiny_base, tmp_path):  # noqa: F811
    """A student of the tiny base's ControlNet, which is its own teacher, and what it was taught with."""
    settings = {"steps": 4, "rank": 2, "batch_size": 2, "learning_rate": 3e-2, "validate_every": 2}
    chosen = params(distill=settings | {"loss": request.param, "warmup_steps": 0, "ema_decay": 0})
    pipeline = base.load(tiny_base, tiny_base / "controlnet")
    encoding.encode(examples, tmp_path / "encoded", pipeline, str(tiny_base), ["sketch"], Encode())
    student = tmp_path / "student"
    student.mkdir()
    live = tmp_path / "live"
    distilling.distil(examples, tmp_path / "encoded", tiny_base, student, live, chosen)
    return student, chosen, live


def test_a_student_is_a_lora_that_plain_diffusers_draws_the_same_picture_with(taught, examples, tiny_base):  # noqa: F811
    student, chosen, live = taught
    sketch = images.read_grey(examples[0]["sketch"])
    found = trained.find(student, chosen)
    settings = found.params.generate
    assert (settings.steps, settings.guidance_scale, settings.scheduler) == (4, 1, "lcm")
    model = drawing.Model(found)
    *_, last = model.steps([sketch], "house", [3], settings)
    (ours,) = model.drawings(last, "house", [3], settings)

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
    assert np.abs(ours.picture - theirs * 255).max() <= 2
    assert {"validation_edge_f1", "loss"} <= set(json.loads((live / "metrics.json").read_text()))
    assert (live / "plots/images/validation.png").exists()


def test_a_student_draws_other_pictures_than_its_teacher(taught, examples, tiny_base):  # noqa: F811
    student, chosen, _ = taught
    sketch = images.read_grey(examples[0]["sketch"])
    drawn = []
    for place in (student, tiny_base):
        model = drawing.Model(trained.find(place, chosen))
        settings = trained.find(student, chosen).params.generate
        *_, last = model.steps([sketch], "house", [3], settings)
        drawn.append(model.drawings(last, "house", [3], settings)[0].picture.astype(int))
    assert np.abs(drawn[0] - drawn[1]).max() > 1


def test_student_and_teacher_are_compared_by_steps_and_seconds(taught, examples, tiny_base, tmp_path, monkeypatch):  # noqa: F811
    student, chosen, live = taught
    monkeypatch.setattr(few_steps, "STEPS", {"teacher": (3, 1), "student": (2, 1)})
    monkeypatch.setattr(few_steps, "MANY", 3)
    monkeypatch.setattr(perceptual.ShiftTolerantLPIPS, "load", lambda: lambda a, b: (a - b).abs().mean(dim=(1, 2, 3)))
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
        assert np.asarray(Image.open(live / name)).std() > 5


def test_there_is_no_student_of_a_method_without_sketches(examples, params, tiny_base, tmp_path):  # noqa: F811
    with pytest.raises(UserError, match="distill needs method controlnet, and method is dreambooth"):
        distilling.distil(examples, tmp_path, tiny_base, tmp_path, tmp_path, params(method="dreambooth"))
