import json
import shutil

import numpy as np
import pytest
import torch
from diffusers import (
    ControlNetModel,
    DDPMScheduler,
    LCMScheduler,
    StableDiffusionControlNetPipeline,
)
from PIL import Image

from s2i.core.errors import UserError
from s2i.core.params import Encode
from s2i.diffusion import base, controlnets, encoding, sampling
from s2i.generation import find_model
from s2i.generation.model import SketchToImage
from s2i.imaging import io
from s2i.imaging.control_images import control_images
from s2i.training.distillation import student as student_module
from s2i.training.distillation import trajectories
from s2i.training.distillation.losses import (
    trajectory_end,
)
from s2i.training.distillation.student import distil
from s2i.training.randomness import BatchRandom


def test_a_student_is_a_lora_that_plain_diffusers_draws_the_same_image_with(taught_student, examples, tiny_base):
    student, chosen, live = taught_student
    sketch = io.read_grey(examples[0]["sketch"])
    found = find_model.find(student, chosen)
    settings = found.params.generate
    assert (settings.steps, settings.guidance_scale, settings.scheduler) == (4, 1, "lcm")
    model = SketchToImage(found)
    *_, last = model.denoise([sketch], "house", [3], settings)
    (ours,) = model.images(last, [sketch], "house", [3], settings)

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


def test_the_teacher_of_consistency_has_the_guidance_that_it_draws_with(encoded, params, tiny_base, monkeypatch):
    scales = {"guidance_scale": 5.0, "control_guidance_scale": 2.5, "negative_prompt": "tower"}
    chosen = params(generate=scales)
    pipeline = base.load(tiny_base, tiny_base / "controlnet")
    embeds = sampling.encode_prompts(pipeline, ["tower"])["tower"]
    examples = encoding.EncodedExamples(encoded, "train")
    batch = {name: torch.stack([examples[0][name], examples[1][name]]) for name in examples[0]}
    seen = []

    def record(student, teacher, latents, noise_scheduler, rng, steps):
        timesteps = torch.tensor([100, 500])
        seen.append((latents, timesteps, teacher(latents, timesteps)))

    monkeypatch.setattr(student_module, "consistency_loss", record)
    loss = student_module.consistency(pipeline, [pipeline.unet, pipeline.controlnet], embeds, chosen)
    with torch.no_grad():
        loss(None, batch, BatchRandom(torch.device("cpu")).seed(0))
        ((latents, timesteps, guided),) = seen
        images = controlnets.controlnet_cond(batch, ["sketch"])
        without = pipeline.unet(latents, timesteps, embeds.expand(2, -1, -1)).sample
        controlled, both = (
            controlnets.predict(pipeline.unet, pipeline.controlnet, latents, timesteps, prompt_embeds, images)
            for prompt_embeds in (embeds.expand(2, -1, -1), batch["embedding"])
        )
    expected = without + 2.5 * (controlled - without) + 5 * (both - controlled)
    torch.testing.assert_close(guided, expected, atol=1e-4, rtol=1e-4)


def pipeline_noise(pipeline):
    """The noise that the pipeline's base was trained with."""
    return DDPMScheduler.from_config(pipeline.scheduler.config)


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


def test_there_is_no_student_of_a_method_without_sketches(examples, params, tiny_base, tmp_path):
    with pytest.raises(UserError, match="distill needs method controlnet, and method is dreambooth"):
        distil(examples, tmp_path, tiny_base, tmp_path, tmp_path, params(method="dreambooth"))


def test_a_teacher_with_a_lora_of_its_unet_is_refused(examples, encoded, params, tmp_path):
    (tmp_path / "teacher/unet_lora").mkdir(parents=True)
    with pytest.raises(UserError, match=r"distill needs a teacher with the UNet of the base, .* set train.unet_rank"):
        distil(examples, encoded, tmp_path / "teacher", tmp_path / "student", tmp_path / "live", params())
