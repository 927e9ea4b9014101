"""How the embedded base is made: every stage of pipelines/base/dvc.yaml, at a size that takes seconds."""

import json
import runpy
import shutil
import sys
from graphlib import TopologicalSorter
from pathlib import Path

import pytest
import yaml
from diffusers import AutoencoderTiny, ControlNetModel, StableDiffusionPipeline

PROJECT = Path(__file__).parents[2]
TRAINING = {"steps": 4, "batch_size": 4, "learning_rate": 1e-3}
CRISP = TRAINING | {"crop": 32, "lpips_weight": 0.5, "latent_noise": 0.1, "adversary_from": 2, "adversary_ramp": 1}
CRISP |= {"adversary_weight": 0.5, "adversary_learning_rate": 1e-3}
TINY = {
    "resolution": 64,
    "seed": 0,
    "render": {"count": 24, "held_out": 12, "validation": 2, "samples": 1},
    "photos": {"count": 2, "size": 64, "samples": 1},
    "controls": {"styles": ["pencil", "xdog", "line"], "drawn": 2},
    "text": {"merges": 64, "width": 16, "layers": 1, "heads": 2},
    "autoencoder": TRAINING
    | {"channels": [8, 8, 8, 8], "wide_latent_channels": 6, "latent_channels": 2, "norm_groups": 1, "crop": 32}
    | {"perceptual_weight": 0.1, "perceptual_share": 0.5, "kl_weight": 1e-6, "whitening_floor": 0.01}
    | {"crisp": CRISP | {"halved_weight": 0.25, "latent_weight": 1e-4}},
    "denoiser": TRAINING
    | {"channels": [16, 32], "layers_per_block": 1, "attention_head_dim": 2, "conditioning_channels": [8, 8, 8, 8]}
    | {"prompts_per_image": 2, "drop_part": 0.1, "synonym": 0.2, "prompt_dropout": 0.2, "control_dropout": 0.3}
    | {"halved_share": 0.5, "short_prompts": 24, "short_share": 0.5, "timestep_mean": 0, "timestep_deviation": 1}
    | {"uniform_timesteps": 0.1}
    | {"alignment_weight": 0.5, "alignment_width": 8, "alignment_share": 0.5, "validate_every": 2}
    | {"sampling": {"steps": 2, "guidance_scale": 2}},
    "tiny_decoder": CRISP | {"width": 8, "blocks": [1, 1, 1, 1]},
    "windows": TRAINING,
    "score": {"autoencoder_images": 4, "prompted_images": 12, "controlled_images": 4, "varied_images": 2, "seeds": 2}
    | {"sampling": {"steps": 2, "guidance_scale": 2}},
}


@pytest.fixture
def project(tmp_path, monkeypatch, fresh_accelerate):
    """A folder with the pipeline and tiny parameters."""
    (tmp_path / "pipelines/base").mkdir(parents=True)
    (tmp_path / "pipelines/base/params.yaml").write_text(yaml.safe_dump(TINY))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def stages() -> dict[str, dict]:
    """The stages of the pipeline by name, each after those whose outputs it needs."""
    listed = yaml.safe_load((PROJECT / "pipelines/base/dvc.yaml").read_text())["stages"]
    made_by = {path: name for name, stage in listed.items() for path in outputs(stage)}
    needs = {name: {made_by[path] for path in stage["deps"] if path in made_by} for name, stage in listed.items()}
    return {name: listed[name] for name in TopologicalSorter(needs).static_order()}


def outputs(stage: dict) -> list[str]:
    return [next(iter(out)) if isinstance(out, dict) else out for out in stage["outs"] + stage.get("metrics", [])]


def run(stage: dict, monkeypatch) -> None:
    """Run a stage's script in this process: loading torch again for each would take most of the time."""
    _, script, *arguments = stage["cmd"].split()
    monkeypatch.setattr(sys, "argv", [script, *arguments])
    runpy.run_path(str(PROJECT / script), run_name="__main__")


def test_make_base_reaches_its_end(project, monkeypatch):
    pytest.importorskip("mitsuba")
    for name, stage in stages().items():
        run(stage, monkeypatch)
        assert all((project / path).exists() for path in outputs(stage)), name
    whole, figures = project / "models/base/whole", json.loads((project / "metrics/base.json").read_text())
    pipeline = StableDiffusionPipeline.from_pretrained(whole)
    assert pipeline.unet.config.in_channels == pipeline.vae.config.latent_channels == 2
    assert pipeline.scheduler.config.prediction_type == "v_prediction"
    assert pipeline.scheduler.config.rescale_betas_zero_snr
    assert ControlNetModel.from_pretrained(whole / "controlnet").config.in_channels == 2
    assert AutoencoderTiny.from_pretrained(whole / "tiny_decoder").config.latent_channels == 2
    assert 0 < figures["autoencoder_psnr"] < 30, "a few steps teach little"
    assert 0 <= figures["canny_edge_f1"] <= 1 and figures["diversity_lpips"] > 0
    card = (whole / "README.md").read_text()
    assert f"| autoencoder_psnr | {figures['autoencoder_psnr']:.3f} |" in card and "$" not in card
    assert {file.name for file in (whole / "images").iterdir()} == {
        "canny.jpg",
        "curve.png",
        "prompted.jpg",
        "seeds.jpg",
    }
    assert (
        "12 images of 64 x 64" not in card
        and "2 images of 64 x 64 px" in (project / "models/base/photos/README.md").read_text()
    )

    before = {file: file.stat().st_mtime_ns for file in (project / "pipelines/base/renders").rglob("*.jpg")}
    shutil.rmtree(project / "models/base/denoiser")
    for name in ("render", "controls", "denoiser"):
        run(stages()[name], monkeypatch)
    again = {file: file.stat().st_mtime_ns for file in before}
    assert again == before, "what is rendered is not rendered again"
