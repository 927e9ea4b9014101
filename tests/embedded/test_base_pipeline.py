"""How the embedded base is made, at a size that takes minutes."""

import pandas as pd
import pytest
import torch

from s2i.diffusion import base
from s2i.embedded.pretraining import autoencoder, cards, controlnet, score, text_to_image
from s2i.embedded.pretraining.params import BaseParams
from s2i.networks.probes import fit

TRAINING = {"steps": 3, "batch_size": 4, "learning_rate": 1e-3}
TINY = {
    "resolution": 64,
    "seed": 0,
    "render": {"count": 24, "held_out": 12, "samples": 1},
    "photos": {"count": 2, "size": 64, "samples": 1},
    "text": {"merges": 64, "width": 16, "layers": 1, "heads": 2},
    "autoencoder": TRAINING
    | {"channels": [8, 8, 8, 8], "latent_channels": 6, "norm_groups": 1, "crop": 32}
    | {
        "perceptual_weight": 0.1,
        "perceptual_share": 0.5,
        "kl_weight": 1e-6,
        "whitening_floor": 0.01,
        "decoder_steps": 2,
    },
    "text_to_image": TRAINING
    | {"channels": [16, 32], "layers_per_block": 1, "attention_head_dim": 2, "prompts_per_image": 2}
    | {"empty_prompt": 0.1},
    "windows": TRAINING,
    "canny": TRAINING | {"conditioning_channels": [8, 8, 8, 8], "prompt_dropout": 0.2, "control_dropout": 0.3},
    "score": {"autoencoder_images": 4, "color_images": 12, "canny_images": 12, "steps": 2, "guidance_scale": 2},
}


@pytest.mark.slow
def test_from_renders_to_a_scored_base_that_plain_diffusers_loads(tmp_path):
    pytest.importorskip("mitsuba")
    from s2i.embedded.rendering.write import write_corpus

    settings, renders = BaseParams.model_validate(TINY), tmp_path / "renders"
    write_corpus(renders / "train", 24, 0, 64, 1, truth=False)
    write_corpus(renders / "held_out", 12, 500_000, 64, 1, truth=False)
    train, vae, model = renders / "train", tmp_path / "autoencoder", tmp_path / "model"
    autoencoder.train(train, vae, settings.autoencoder, 64, 0)
    text_to_image.train(train, vae, model, settings.text_to_image, settings.text, 64, 0)
    whole = tmp_path / "whole"
    controlnet.train(train, model, whole, settings.canny, settings.text_to_image, 0)

    pipeline = base.load(whole, whole / "controlnet")
    assert pipeline.unet.config.in_channels == pipeline.vae.config.latent_channels == 6
    truth = pd.read_csv(train / "photos.csv").to_dict("records")
    probes = tmp_path / "attributes.safetensors"
    fit(torch.randn(len(truth), 2560), truth).save(probes)
    figures, drawn, prompted = score.score(whole, probes, renders, settings.score, 64, 0)
    assert 0 < figures["autoencoder_psnr"] < 30, "three steps teach little"
    assert 0 <= figures["canny_edge_f1"] <= 1 and 0 <= figures["text_color_accuracy"] <= 1
    cards.write_model_card(whole, tmp_path / "card", settings, figures, drawn, prompted)
    card = (tmp_path / "card/README.md").read_text()
    assert f"{figures['autoencoder_psnr']:.3f}" in card and (tmp_path / "card/images/canny.jpg").exists()
