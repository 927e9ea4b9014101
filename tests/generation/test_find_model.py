import subprocess

import numpy as np
import pytest
import torch
from diffusers import AutoencoderTiny, StableDiffusionPipeline
from helpers.files import PARAMS
from helpers.tiny import save_base
from peft import LoraConfig, get_peft_model_state_dict

from s2i.core import params_file
from s2i.core.errors import UserError
from s2i.core.params import Generate, Params
from s2i.generation import find_model
from s2i.generation.model import SketchToImage

SETTINGS = Generate(steps=2)


@pytest.fixture
def project(tmp_path, monkeypatch):
    save_base(tmp_path / "models/trained")
    (tmp_path / "params.yaml").write_text(PARAMS.format(base="models/trained"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def image(model):
    sketch = np.full((64, 64), 255, np.uint8)
    sketch[20:22] = 0
    *_, last = model.denoise([sketch], "house", [1], SETTINGS)
    (one,) = model.images(last, "house", [1], SETTINGS)
    return one.image.astype(int)


def test_a_lora_of_the_unet_is_merged_and_draws_what_it_draws_unmerged(project):
    plain = image(SketchToImage(find_model.find()))
    pipeline = StableDiffusionPipeline.from_pretrained(project / "models/trained")
    torch.manual_seed(0)
    pipeline.unet.add_adapter(LoraConfig(r=2, lora_alpha=2, target_modules=["to_q", "to_v"], init_lora_weights=False))
    pipeline.save_lora_weights(project / "models/trained/unet_lora", get_peft_model_state_dict(pipeline.unet))
    model = SketchToImage(find_model.find())
    assert not any("lora" in name for name, _ in model.pipeline.unet.named_modules())
    merged = image(model)
    beside = SketchToImage(find_model.find()._replace(unet_lora=None))
    beside.pipeline.load_lora_weights(project / "models/trained/unet_lora")
    assert np.abs(merged - image(beside)).max() <= 1 and np.abs(merged - plain).max() > 1


def test_a_tiny_decoder_takes_the_place_of_the_full_one_where_it_fits(project):
    for channels in (6, 4):
        AutoencoderTiny(
            encoder_block_out_channels=(8,) * 4, decoder_block_out_channels=(8,) * 4, latent_channels=channels
        ).save_pretrained(project / f"tiny-{channels}")
    found = find_model.find()
    assert (image(SketchToImage(found, "tiny-6")) != image(SketchToImage(found))).any()
    with pytest.raises(UserError, match="the tiny decoder tiny-4 takes 4 latent channels, and the base has 6"):
        SketchToImage(found, "tiny-4")
    config = project / "tiny-6/config.json"
    config.write_text(config.read_text().replace("8,", "12,"))
    with pytest.raises(UserError, match="the tiny decoder tiny-6 could not be loaded"):
        SketchToImage(found, "tiny-6")


def test_a_preview_foresees_the_image(project):
    model = SketchToImage(find_model.find())
    sketch = np.full((64, 64), 255, np.uint8)
    *_, last = model.denoise([sketch], "house", [1], Generate(steps=20, scheduler="ddim"))
    (one,) = model.images(last, "house", [1], SETTINGS)
    assert np.abs(model.preview(last).astype(int) - one.image).mean() < 2


def test_a_whole_pipeline_is_its_own_base_and_a_hub_id_a_controlnet(project):
    (project / "params.yaml").write_text(PARAMS.format(base="elsewhere"))
    assert find_model.find("models/trained").base == "models/trained"
    found = find_model.find("someone/their-controlnet")
    assert (found.base, found.controlnets) == ("elsewhere", ["someone/their-controlnet"])
    with pytest.raises(UserError, match="nonsense holds no trained model: run `make repro` first, or name a folder"):
        find_model.find("nonsense")


@pytest.mark.slow  # git and DVC in processes of their own
def test_the_model_and_the_parameters_of_an_experiment_are_taken(project):
    def run(command):
        subprocess.run(command.split(), check=True, capture_output=True)

    for command in ("git init -q", "git config user.email a@b", "git config user.name a", "dvc init -q"):
        run(command)
    run("dvc add -q models/trained")
    run("git add .")
    run("git commit -qm first")
    run("git branch wider")
    (project / "params.yaml").write_text(PARAMS.format(base="elsewhere"))
    (project / "models/trained/controlnet/config.json").unlink()
    found = find_model.find("wider")
    assert found.name == "wider" and found.params.base == "models/trained"
    assert (found.controlnets[0] / "config.json").exists()
    assert params_file.load().base == "elsewhere"


def test_the_app_takes_as_many_steps_as_were_found_to_be_enough(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    train = {"steps": 1, "batch_size": 1, "learning_rate": 1e-3}
    settings = Params(base="base", controlnet="controlnet", rank=2, resolution=64, train=train)
    places = "models/trained", "other/models/trained"
    last, other = (find_model.TrainedModel("trained", "base", [f"{one}/controlnet"], None, settings) for one in places)
    assert find_model.in_few_steps(last) == last
    (tmp_path / "metrics").mkdir()
    (tmp_path / "metrics/steps.json").write_text('{"steps": 6, "guidance_scale": 2.0, "edge_f1": 0.6}')
    found = find_model.in_few_steps(last).params.generate
    assert (found.steps, found.guidance_scale) == (6, 2.0) and find_model.in_few_steps(other) == other
    (tmp_path / "metrics/steps.json").write_text('{"steps"')
    with pytest.raises(UserError, match=r"metrics/steps.json recommends no steps: run `make steps` again"):
        find_model.in_few_steps(last)
