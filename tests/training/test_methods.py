"""Methods that draw from words alone: what they learn, what they leave as it was, what plain diffusers makes of it."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from diffusers import StableDiffusionPipeline, UNet2DConditionModel
from helpers.params import tiny_params
from safetensors.torch import load_file

from s2i.core.errors import UserError
from s2i.core.params import Params
from s2i.diffusion import base, image_cache, model_folder, sampling
from s2i.diffusion.sampling import SamplingSettings
from s2i.generation import held_out
from s2i.imaging import io, tensors
from s2i.metrics import distributions
from s2i.metrics.embeddings import similarity
from s2i.metrics.intervals import bootstrap
from s2i.networks import efficientnet
from s2i.training.methods import dreambooth, text_only, textual_inversion
from s2i.training.methods.method import load_method

DATA = Path(__file__).parents[2] / "data"
WEIGHTS = "unet/diffusion_pytorch_model.safetensors"
LOOKS = {"barn": (172, 44, 40), "church": (40, 60, 170)}


@pytest.fixture
def params(tiny_base):
    """params(method, **changes) for the tiny base."""

    def params(method, learning=None, **changes):
        train = {"steps": 3, "batch_size": 2, "learning_rate": 1e-2, "checkpoint_every": 1} | (learning or {})
        dreambooth = {"subjects": ["barn"], "prior_images": 2} | changes.pop("dreambooth", {})
        return tiny_params(tiny_base, train, method=method, dreambooth=dreambooth, **changes)

    return params


@pytest.fixture
def rows(tmp_path, house):
    """Two classes: of each two photos to train on, with two sketches each, and one to test with."""
    rows = []
    for number, (label, split) in enumerate((label, split) for label in LOOKS for split in ("train", "train", "test")):
        photo = io.resize_and_crop(house(number, LOOKS[label]), 64)
        row = {"id": f"{number:016x}", "split": split, "label": label, "prompt": f"{label} {number}", "variant": 0}
        row |= {"photo": str(tmp_path / f"{number}.png"), "sketches": {}, "flip": False, "sketch_style": "given"}
        io.write_png(Path(row["photo"]), photo)
        for style in ("given", "given-2"):
            row["sketches"][style] = str(tmp_path / f"{number}-{style}.png")
            io.write_png(Path(row["sketches"][style]), io.grey(photo) // (1 + (style == "given-2")))
        rows.append(row | {"sketch": row["sketches"]["given"]})
    return rows


@pytest.fixture
def trained(rows, tmp_path):
    """trained(params) is the folder of a model that the method of the parameters made."""

    def trained(params, name="trained"):
        target = tmp_path / name
        target.mkdir()
        load_method(params.method).train(rows, tmp_path, target, tmp_path / f"{name}-live", params)
        return target

    return trained


def drawn(rows, target, params, name="finetuned"):
    folder = target.with_name(f"{target.name}-drawn")
    folder.mkdir(exist_ok=True)
    return [io.read(row[name]) for row in held_out.generate(rows, target, folder, params)]


def test_dreambooth_changes_the_unet_alone_and_plain_diffusers_draws_our_image(rows, params, trained, tiny_base):
    settings = params("dreambooth")
    target = trained(settings)
    assert [each.name for each in target.iterdir()] == ["unet"]
    before = StableDiffusionPipeline.from_pretrained(tiny_base)
    unet = UNet2DConditionModel.from_pretrained(target / "unet")
    old, new = before.unet.state_dict(), unet.state_dict()
    assert old.keys() == new.keys() and any((old[name] != new[name]).any() for name in old)
    (ours, _) = drawn(rows, target, settings)
    pipeline = StableDiffusionPipeline.from_pretrained(tiny_base, unet=unet)
    seed = image_cache.seed_of(0, rows[2]["id"], 0)
    (theirs,) = sampling.generate(
        pipeline, ["a photo of sks barn"], [seed], SamplingSettings.from_params(settings.generate, 64)
    )
    assert np.abs(ours.astype(int) - theirs).max() <= 1


def test_a_dreambooth_lora_is_read_by_plain_diffusers(rows, params, trained, tiny_base):
    settings = params("dreambooth", adapter="lora", rank=4)
    target = trained(settings)
    ours = drawn(rows, target, settings)
    untouched = drawn(rows, target, settings, "base")
    assert [each.name for each in target.iterdir()] == [model_folder.UNET_LORA]
    pipeline = StableDiffusionPipeline.from_pretrained(tiny_base)
    pipeline.load_lora_weights(target / model_folder.UNET_LORA)
    seed = image_cache.seed_of(0, rows[2]["id"], 0)
    (theirs,) = sampling.generate(
        pipeline, ["a photo of sks barn"], [seed], SamplingSettings.from_params(settings.generate, 64)
    )
    assert np.abs(ours[0].astype(int) - theirs).max() <= 1 and np.abs(ours[0].astype(int) - untouched[0]).max() > 1


def test_dreambooth_trains_the_text_encoder_where_asked(params, trained, tiny_base):
    target = trained(params("dreambooth", dreambooth={"text_encoder": True, "prior_images": 0}))
    pipeline = base.load_trained(tiny_base, target)
    before = base.load(tiny_base, None).text_encoder.state_dict()
    assert any((before[name] != one).any() for name, one in pipeline.text_encoder.state_dict().items())


def test_subjects_in_turn_leave_a_model_each_and_show_what_is_forgotten(rows, params, trained, tmp_path):
    settings = params("dreambooth", dreambooth={"subjects": ["barn", "church"]})
    target = trained(settings)
    table = pd.read_csv(tmp_path / "trained-live/plots/forgetting.csv")
    assert list(zip(table["after"], table["subject"], strict=True)) == [
        ("barn", "barn"),
        ("church", "barn"),
        ("church", "church"),
    ]
    assert table["mean"].between(-1, 1).all()
    first, last = (
        load_file(place / "unet/diffusion_pytorch_model.safetensors") for place in (target / "after/1", target)
    )
    second = load_file(target / "after/2" / WEIGHTS)
    assert any((first[name] != last[name]).any() for name in first)
    assert all((second[name] == last[name]).all() for name in last)
    earlier, later = drawn(rows, target / "after/1", settings), drawn(rows, target, settings)
    assert (earlier[0] != later[0]).any()
    assert (tmp_path / "trained-live/plots/images/forgetting.png").exists()
    assert json.loads((tmp_path / "trained-live/metrics.json").read_text())["step"] == 6


def test_an_interrupted_dreambooth_ends_where_it_would_have_ended(params, trained, monkeypatch):
    settings = params("dreambooth", dreambooth={"subjects": ["barn", "church"]})
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


def test_inversion_changes_one_row_bit_for_bit_and_diffusers_loads_the_word(rows, params, trained, tiny_base):
    settings = params("textual_inversion", textual_inversion={"classes": ["barn"]})
    target = trained(settings)
    (file,) = (target / model_folder.NEW_WORDS).iterdir()
    ((word, row),) = load_file(file).items()
    assert word == "<barn>" and not (target / "unet").exists()
    before = StableDiffusionPipeline.from_pretrained(tiny_base)
    untouched = {name: one.clone() for name, one in before.text_encoder.state_dict().items()}
    before.load_textual_inversion(file)
    (name,) = (name for name in untouched if name.endswith("token_embedding.weight"))
    after = before.text_encoder.state_dict()
    assert torch.equal(after[name][:-1], untouched[name]) and torch.equal(after[name][-1], row)
    assert all(torch.equal(after[other], untouched[other]) for other in untouched if other != name)
    initial = before.tokenizer("barn", add_special_tokens=False).input_ids
    assert not torch.equal(row, untouched[name][initial].mean(dim=0))
    drawn(rows[:3], target, settings)


def test_training_an_inversion_leaves_the_model_as_it_is(params, tiny_base):
    pipeline = base.load(tiny_base, None)
    textual_inversion.add_placeholder(pipeline, "barn", params("textual_inversion").textual_inversion)
    before = {name: one.clone() for name, one in pipeline.text_encoder.state_dict().items()}
    model = textual_inversion.InvertedUNet(pipeline.unet, pipeline.text_encoder.requires_grad_(False))
    model.unet.requires_grad_(False)
    tokens = text_only.tokens_of(pipeline, "<barn>", 2)
    optimizer = torch.optim.AdamW([one for one in model.parameters() if one.requires_grad], lr=0.1)
    model(torch.randn(2, 6, 8, 8), torch.tensor([3, 500]), tokens).square().mean().backward()
    optimizer.step()
    assert [name for name, one in model.named_parameters() if one.requires_grad] == ["row"]
    assert all(torch.equal(one, before[name]) for name, one in pipeline.text_encoder.state_dict().items())
    assert not torch.equal(model.row.detach(), before[model.name][-1:])


def test_one_word_for_all_is_told_the_class_beside_it(rows, params, trained, tiny_base):
    inversion = {"per": "all", "naming": "a {label} in the style of {token}", "initial": "drawing"}
    settings = params("textual_inversion", textual_inversion=inversion)
    target = trained(settings)
    task = textual_inversion.generation_task(rows, target, target, settings)
    assert task.examples[0]["prompt"] == "a barn in the style of <all>"
    assert textual_inversion.untouched_task(rows, settings).examples[-1]["prompt"] == "a church in the style of church"
    pipeline = base.load_trained(tiny_base, target)
    assert pipeline.tokenizer.convert_tokens_to_ids("<all>") == len(pipeline.tokenizer) - 1


def test_text_in_the_middle_draws_alike_what_is_said_alike(rows, params, trained):
    settings = params("text_in_the_middle", caption={"by": ["columns"]}, base=str(DATA / "base"))
    same_seed = [row | {"split": "test", "generation_seed": 5} for row in rows]
    target = trained(settings)
    task = load_method("text_in_the_middle").generation_task(same_seed, target, target, settings)
    assert [one["prompt"] for one in task.examples] == ["barn"] * 3 + ["church"] * 3
    places = image_cache.cached_images(task, settings, "draw")
    assert len(set(places)) == 2, "sketches differ, what is said of them does not"
    assert (io.read(places[0]) != io.read(places[-1])).any()


def test_text_in_the_middle_looks_at_the_sketch_and_not_at_the_photo(rows, params, trained, monkeypatch):
    from s2i.dataset.captioning import captioners

    seen = []
    read = captioners._with_attributes
    monkeypatch.setattr(
        captioners, "_with_attributes", lambda one, **how: seen.append(one["photo"]) or read(one, **how)
    )
    settings = params("text_in_the_middle", caption={"by": ["attributes"]}, resolution=64, workers={"count": 1})
    target = trained(settings)
    test = [row | {"matte": row["photo"]} for row in rows if row["split"] == "test"]
    load_method("text_in_the_middle").generation_task(test, target, target, settings)
    assert seen == [row["sketch"] for row in test]


def test_the_base_draws_with_words_and_without(rows, params, trained):
    given = params("base")
    empty = params("base", generate={"steps": 2, "prompts": "empty"})
    target = trained(given)
    assert (drawn(rows, target, given)[0] != drawn(rows, target, empty)[0]).any()
    assert json.loads((target.with_name("trained-live") / "metrics.json").read_text()) == {}


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"dreambooth": {"subjects": ["castle"]}}, "no sketch to train on is a 'castle'; there are barn, church"),
        ({"dreambooth": {"token": "  "}}, "of which the tokenizer leaves nothing"),
        ({"adapter": "two-step"}, "trains with adapter full, attention, lora, not with two-step"),
    ],
)
def test_what_dreambooth_cannot_do_is_one_sentence(params, trained, changes, said):
    with pytest.raises(UserError, match=said):
        trained(params("dreambooth", **changes))


def test_a_known_token_and_few_images_are_warned_of(params, trained):
    with pytest.warns(UserWarning, match="'a' is a word that the base knows"):
        trained(params("dreambooth", dreambooth={"token": "a", "images": 4}))
    with pytest.warns(UserWarning, match="'barn' has 4 of the 9 images asked for"):
        trained(params("dreambooth", dreambooth={"images": 9}), "other")


def test_a_word_that_is_in_the_vocabulary_is_refused(params, tiny_base):
    pipeline = base.load(tiny_base, None)
    settings = params("textual_inversion").textual_inversion
    textual_inversion.add_placeholder(pipeline, "barn", settings)
    with pytest.raises(UserError, match="'<barn>' is in the vocabulary of the base already"):
        textual_inversion.add_placeholder(pipeline, "barn", settings)


@pytest.mark.parametrize("naming", ["a photo", "a photo of {thing}", "a {token"])
def test_a_naming_that_names_nothing_is_refused(params, naming):
    with pytest.raises(ValueError, match=r"it must name \{token\} or \{label\}"):
        params("dreambooth", dreambooth={"naming": naming})


def test_similarity_is_the_mean_cosine():
    drawn, subject = np.array([[2.0, 0], [0, 3], [1, 1]]), np.array([[1.0, 0], [5, 0]])
    np.testing.assert_allclose(similarity(drawn, subject), [1, 0, 0.5**0.5])


def test_dreambooth_on_the_embedded_base_draws_its_subject(tmp_path):
    """The subject's images come closer to it than the base's, the interval of the difference clear of zero."""
    table = pd.read_csv(DATA / "photos/photos.csv").query("structure == 'barn'")
    rows = []
    for number, file in enumerate(table["sketch"].head(4)):
        sketch = tmp_path / f"{number}.png"
        io.write_png(sketch, io.resize_and_crop(io.read(DATA / "photos" / file), 128))
        rows.append({"id": str(number), "split": "train", "label": "barn", "sketches": {"given": str(sketch)}})
    wanted = [{"id": str(n), "split": "test", "label": "barn", "variant": n, "prompt": "barn"} for n in range(12)]
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
    images |= {name: drawn(wanted, target, params, name) for name in ("finetuned", "base")}
    network = efficientnet.efficientnet_lite0()
    seen = {
        name: distributions.features([tensors.to_unit_range(tensors.stack(each))], network)
        for name, each in images.items()
    }
    closer = similarity(seen["finetuned"], seen["subject"]) - similarity(seen["base"], seen["subject"])
    assert bootstrap(closer)["low"] > 0
