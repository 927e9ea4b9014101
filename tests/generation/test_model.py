"""A trained model in memory."""

import numpy as np
import pytest
import torch
from diffusers import AutoencoderTiny, StableDiffusionPipeline
from peft import LoraConfig, get_peft_model_state_dict

from s2i.core.errors import UserError
from s2i.core.params import Generate
from s2i.generation import find_model
from s2i.generation.model import SketchToImage

SETTINGS = Generate(steps=2)


def image(model):
    sketch = np.full((64, 64), 255, np.uint8)
    sketch[20:22] = 0
    *_, last = model.denoise([sketch], "house", [1], SETTINGS)
    (one,) = model.images(last, [sketch], "house", [1], SETTINGS)
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


def test_a_sketch_of_three_to_two_comes_back_three_to_two(project):
    model = SketchToImage(find_model.find())
    wide = np.full((43, 64), 255, np.uint8)
    wide[20:22, 5:60] = 0
    square = np.full((64, 64), 255, np.uint8)
    square[10:53] = wide
    *_, last = model.denoise([wide, wide.T.copy()], "house", [1, 2], SETTINGS)
    lying, standing = model.images(last, [wide, wide.T], "house", [1, 2], SETTINGS)
    assert lying.image.shape == (43, 64, 3) and standing.image.shape == (64, 43, 3)
    assert model.preview(last, wide).shape[:2] == (43, 64)
    *_, last = model.denoise([square], "house", [1], SETTINGS)
    (whole,) = model.images(last, [square], "house", [1], SETTINGS)
    assert np.abs(whole.image[10:53].astype(int) - lying.image).max() <= 1, "it is drawn on a square, and cut out"


def test_a_preview_foresees_the_image(project):
    model = SketchToImage(find_model.find())
    sketch = np.full((64, 64), 255, np.uint8)
    *_, last = model.denoise([sketch], "house", [1], Generate(steps=20, scheduler="ddim"))
    (one,) = model.images(last, [sketch], "house", [1], SETTINGS)
    assert np.abs(model.preview(last, sketch).astype(int) - one.image).mean() < 2
