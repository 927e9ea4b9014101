import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from diffusers import StableDiffusionPipeline, UNet2DConditionModel
from helpers.methods import generated
from safetensors.torch import load_file

from s2i.core.errors import UserError
from s2i.core.params import Params
from s2i.diffusion import base, image_cache, model_folder, sampling
from s2i.diffusion.sampling import SamplingSettings
from s2i.imaging import io, tensors
from s2i.metrics import distributions
from s2i.metrics.embeddings import similarity
from s2i.metrics.intervals import mean_interval
from s2i.networks import efficientnet
from s2i.training.batches import StepBatches
from s2i.training.methods import dreambooth

DATA = Path(__file__).parents[3] / "data"
WEIGHTS = "unet/diffusion_pytorch_model.safetensors"


def test_dreambooth_changes_the_unet_alone_and_plain_diffusers_draws_our_image(rows, method_params, trained, tiny_base):
    settings = method_params("dreambooth")
    target = trained(settings)
    assert [each.name for each in target.iterdir()] == ["unet"]
    before = StableDiffusionPipeline.from_pretrained(tiny_base)
    unet = UNet2DConditionModel.from_pretrained(target / "unet")
    old, new = before.unet.state_dict(), unet.state_dict()
    assert old.keys() == new.keys() and any((old[name] != new[name]).any() for name in old)
    (ours, _) = generated(rows, target, settings)
    pipeline = StableDiffusionPipeline.from_pretrained(tiny_base, unet=unet)
    seed = image_cache.seed_of(0, rows[2]["id"], 0)
    (theirs,) = sampling.generate(
        pipeline, ["a photo of sks barn"], [seed], SamplingSettings.from_params(settings.generate, 64)
    )
    assert np.abs(ours.astype(int) - theirs).max() <= 1


def test_a_dreambooth_lora_is_read_by_plain_diffusers(rows, method_params, trained, tiny_base):
    settings = method_params("dreambooth", adapter="lora", rank=4)
    target = trained(settings)
    ours = generated(rows, target, settings)
    untouched = generated(rows, target, settings, "base")
    assert [each.name for each in target.iterdir()] == [model_folder.UNET_LORA]
    pipeline = StableDiffusionPipeline.from_pretrained(tiny_base)
    pipeline.load_lora_weights(target / model_folder.UNET_LORA)
    seed = image_cache.seed_of(0, rows[2]["id"], 0)
    (theirs,) = sampling.generate(
        pipeline, ["a photo of sks barn"], [seed], SamplingSettings.from_params(settings.generate, 64)
    )
    assert np.abs(ours[0].astype(int) - theirs).max() <= 1 and np.abs(ours[0].astype(int) - untouched[0]).max() > 1


def test_images_of_the_subject_and_of_its_class_are_shuffled_by_themselves():
    subject, prior = [{"subject": number} for number in range(5)], [{"prior": number} for number in range(100)]
    pairs = dreambooth.Pairs(subject, prior)
    assert len(pairs) == len({(pair["subject"], pair["prior"]) for pair in pairs}) == 500
    batches = StepBatches(len(pairs), 4, seed=0, first_step=0, last_step=50)
    seen = [pairs[index] for batch in batches for index in batch]
    assert len({pair["prior"] for pair in seen}) > 70, "as independent draws have it; in step it would be each twice"
    assert {pair["subject"] for pair in seen} == set(range(5))
    of_first = {pair["prior"] % 5 for pair in seen if pair["subject"] == 0}
    assert of_first == set(range(5)), "a prior image is not bound to one image of the subject"


def test_dreambooth_trains_the_text_encoder_where_asked(method_params, trained, tiny_base):
    target = trained(method_params("dreambooth", dreambooth={"text_encoder": True, "prior_images": 0}))
    pipeline = base.load_trained(tiny_base, target)
    before = base.load(tiny_base, None).text_encoder.state_dict()
    assert any((before[name] != one).any() for name, one in pipeline.text_encoder.state_dict().items())


def test_subjects_in_turn_leave_a_model_each_and_show_what_is_forgotten(
    rows, method_params, trained, tmp_path, monkeypatch
):
    settings = method_params("dreambooth", dreambooth={"subjects": ["barn", "church"]})
    compared = []
    monkeypatch.setattr(dreambooth, "similarity", lambda *sets: compared.append(len(sets[0])) or similarity(*sets))
    target = trained(settings)
    assert compared == [30] * 3, "of fewer images the interval would be too wide to see forgetting"
    table = pd.read_csv(tmp_path / "trained-live/plots/forgetting.csv")
    assert list(zip(table["after"], table["subject"], strict=True)) == [
        ("barn", "barn"),
        ("church", "barn"),
        ("church", "church"),
    ]
    assert table["mean"].between(-1, 1).all() and set(table["metric"]) == {"similarity_efficientnet_lite0"}
    first, last = (
        load_file(place / "unet/diffusion_pytorch_model.safetensors") for place in (target / "after/1", target)
    )
    second = load_file(target / "after/2" / WEIGHTS)
    assert any((first[name] != last[name]).any() for name in first)
    assert all((second[name] == last[name]).all() for name in last)
    earlier, later = generated(rows, target / "after/1", settings), generated(rows, target, settings)
    assert (earlier[0] != later[0]).any()
    assert (tmp_path / "trained-live/plots/images/forgetting.png").exists()
    assert json.loads((tmp_path / "trained-live/metrics.json").read_text())["step"] == 6


def test_an_interrupted_dreambooth_ends_where_it_would_have_ended(method_params, trained, monkeypatch):
    settings = method_params("dreambooth", dreambooth={"subjects": ["barn", "church"]})
    whole = trained(settings, "whole")
    monkeypatch.setenv("S2I_CACHE", str(whole.with_name("other cache")))
    scores = dreambooth._scores
    monkeypatch.setattr(dreambooth, "_scores", lambda *given: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        trained(settings, "killed")
    monkeypatch.setattr(dreambooth, "_scores", scores)
    resumed = trained(settings, "resumed")
    one, other = (load_file(each / WEIGHTS) for each in (whole, resumed))
    assert all((one[name] == other[name]).all() for name in one)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"dreambooth": {"subjects": ["castle"]}}, "no sketch to train on is a 'castle'; there are barn, church"),
        ({"dreambooth": {"token": "  "}}, "of which the tokenizer leaves nothing"),
        ({"adapter": "two-step"}, "trains with adapter full, attention, lora, not with two-step"),
    ],
)
def test_what_dreambooth_cannot_do_is_one_sentence(method_params, trained, changes, said):
    with pytest.raises(UserError, match=said):
        trained(method_params("dreambooth", **changes))


def test_a_known_token_and_few_images_are_warned_of(method_params, trained):
    with pytest.warns(UserWarning, match="'a' is a word that the base knows"):
        trained(method_params("dreambooth", dreambooth={"token": "a", "images": 4}))
    with pytest.warns(UserWarning, match="'barn' has 4 of the 9 images asked for"):
        trained(method_params("dreambooth", dreambooth={"images": 9}), "other")


def test_dreambooth_on_the_embedded_base_draws_its_subject(tmp_path):
    """The subject's images come closer to it than the base's, the interval of the difference clear of zero."""
    table = pd.read_csv(DATA / "photos/photos.csv").query("structure == 'barn'")
    rows = []
    for number, file in enumerate(table["sketch"].head(4)):
        sketch = tmp_path / f"{number}.png"
        io.write_png(sketch, io.resize_and_crop(io.read(DATA / "photos" / file), 128))
        rows.append({"id": str(number), "split": "train", "label": "barn", "sketches": {"given": str(sketch)}})
    photo = {"photo": rows[0]["sketches"]["given"], "split": "test", "label": "barn", "prompt": "barn"}
    wanted = [photo | {"id": str(number), "variant": number} for number in range(12)]
    params = Params.model_validate(
        {
            "base": str(DATA / "base"),
            "controlnet": str(DATA / "base/controlnet"),
            "method": "dreambooth",
            "rank": 4,
            "resolution": 128,
            "precision": "fp32",
            "train": {"steps": 80, "batch_size": 4, "learning_rate": 1e-3, "warmup_steps": 5},
            "generate": {"steps": 8, "guidance_scale": 2.0},
            "dreambooth": {"subjects": ["barn"], "prior_images": 0},
        }
    )
    target = tmp_path / "trained"
    target.mkdir()
    dreambooth.train(rows, tmp_path, target, tmp_path / "live", params)
    images = {"subject": [io.read(row["sketches"]["given"]) for row in rows]}
    images |= {name: generated(wanted, target, params, name) for name in ("finetuned", "base")}
    network = efficientnet.efficientnet_lite0()
    seen = {
        name: distributions.features([tensors.to_unit_range(tensors.stack(each))], network)
        for name, each in images.items()
    }
    closer = similarity(seen["finetuned"], seen["subject"]) - similarity(seen["base"], seen["subject"])
    assert mean_interval(closer)["low"] > 0
