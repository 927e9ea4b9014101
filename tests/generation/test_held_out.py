"""Held-out sketches generated with a fine-tuned ControlNet and with the untouched one."""

import itertools

import numpy as np
import pytest
import torch
from diffusers import ControlNetModel, StableDiffusionControlNetPipeline
from PIL import Image, ImageOps

from s2i.core.errors import UserError
from s2i.diffusion import model_folder, sampling
from s2i.generation.held_out import generate
from s2i.generation.round_trips import cached_round_trips
from s2i.imaging import io


def test_test_sketches_are_drawn_twice_from_one_seed(examples, trained_controlnet, params, tmp_path):
    folder = trained_controlnet(adapter="full")
    (tmp_path / "generated").mkdir()
    (row,) = generate(examples, folder, tmp_path / "generated", params())
    finetuned, untouched, of_edges = (io.read(row[name]) for name in ("finetuned", "base", "base_edges"))
    assert finetuned.shape == (64, 64, 3) and (finetuned != untouched).any() and (untouched != of_edges).any()


def test_the_photo_comes_back_from_the_autoencoder_of_the_base(examples, params, tiny_base, tmp_path):
    from s2i.diffusion import base

    (path,) = cached_round_trips([examples[-1]["photo"]], params())
    vae = base.load(tiny_base, None).vae
    photo = torch.from_numpy(io.read(examples[-1]["photo"]).copy()).permute(2, 0, 1)[None].float() / 127.5 - 1
    with torch.no_grad():
        decoded = vae.decode(vae.encode(photo).latent_dist.mean).sample
    expected = ((decoded[0].permute(1, 2, 0).clamp(-1, 1) + 1) * 127.5).numpy()
    assert np.abs(io.read(path) - expected).max() <= 1


def test_a_photo_that_is_not_square_comes_back_in_its_shape(house, params, tmp_path):
    io.write_png(tmp_path / "wide.png", io.resize_and_crop(house(1), (64, 43)))
    (path,) = cached_round_trips([str(tmp_path / "wide.png")], params())
    assert io.read(path).shape == (43, 64, 3)


def test_some_sketches_are_drawn_from_more_seeds(examples, trained_controlnet, params, tmp_path):
    held_out = [examples[-1] | {"variant": variant} for variant in range(3)]
    (tmp_path / "generated").mkdir()
    rows = generate(
        held_out, trained_controlnet(), tmp_path / "generated", params(generate={"steps": 2, "diversity": 2})
    )
    assert ["other_seeds" in row for row in rows] == [True, False, True]
    images = [io.read(file) for file in (rows[0]["finetuned"], *rows[0]["other_seeds"])]
    assert len(images) == 4 and all((a != b).any() for a, b in itertools.combinations(images, 2))


def test_without_words_neither_prompt_nor_material_map_speaks(
    examples, trained_controlnet, params, tmp_path, monkeypatch
):
    examples[-1] |= {"prompt": "house of red made of brick"}
    settings = params(conditions=["sketch", "material"])
    monkeypatch.setattr(model_folder, "controlnet_folders", lambda *_: [settings.controlnet] * 2)
    drawn = []
    draw = sampling.generate

    def watched(pipeline, prompts, *arguments, control_images, **options):
        drawn.append((prompts, control_images[0][-1]))
        return draw(pipeline, prompts, *arguments, control_images=control_images, **options)

    monkeypatch.setattr(sampling, "generate", watched)
    rows = {}
    for said in ("given", "empty"):
        (tmp_path / said).mkdir()
        wanted = settings.model_copy(update={"generate": settings.generate.model_copy(update={"prompts": said})})
        (rows[said],) = generate(examples, tmp_path, tmp_path / said, wanted)
    (given, colored), _, _, (empty, silent), _, (base_empty, _), *_ = drawn
    assert given == ["house of red made of brick"] and (colored != silent).any()
    assert empty == base_empty == [""]
    assert rows["given"]["prompt"] == given[0] and rows["empty"]["prompt"] == ""
    for name in ("finetuned", "base"):
        assert (io.read(rows["given"][name]) != io.read(rows["empty"][name])).any()


def test_every_so_manieth_sketch_is_drawn_without_its_prompt_too(examples, trained_controlnet, params, tmp_path):
    examples[-1] |= {"prompt": "house of red made of brick"}
    held_out = [*examples, examples[-1] | {"variant": 1}, examples[-1] | {"variant": 2}]
    settings = params(generate={"steps": 2, "unprompted": 2})
    (tmp_path / "given").mkdir()
    rows = generate(held_out, trained_controlnet(), tmp_path / "given", settings)
    assert ["unprompted" in row for row in rows] == [True, False, True]
    assert (io.read(rows[0]["unprompted"]) != io.read(rows[0]["finetuned"])).any()
    assert rows[0]["prompt"] == "house of red made of brick", "what its other images were drawn from"


@pytest.mark.parametrize("form", ["controlnet", "adapter"])
def test_a_pipeline_of_plain_diffusers_draws_our_image(examples, trained_controlnet, params, tiny_base, tmp_path, form):
    settings = params({"learning_rate": 0.05, "alpha": 6}, adapter="lora")
    folder = trained_controlnet(learning={"learning_rate": 0.05, "alpha": 6}, adapter="lora")
    (tmp_path / "generated").mkdir()
    (row,) = generate(examples, folder, tmp_path / "generated", settings)
    model = ControlNetModel.from_pretrained(folder / "controlnet" if form == "controlnet" else tiny_base / "controlnet")
    if form == "adapter":
        model.load_lora_adapter(folder / "adapter", prefix=None, use_safetensors=True)
    pipeline = StableDiffusionControlNetPipeline.from_pretrained(tiny_base, controlnet=model, safety_checker=None)
    drawn = pipeline(
        row["prompt"],
        image=ImageOps.invert(Image.open(row["sketch"])).convert("RGB"),
        num_inference_steps=settings.generate.steps,
        guidance_scale=settings.generate.guidance_scale,
        generator=torch.Generator().manual_seed(row["generation_seed"]),
    ).images[0]
    ours, untouched = (io.read(row[name]).astype(int) for name in ("finetuned", "base"))
    assert np.abs(np.asarray(drawn) - ours).max() <= 1 and np.abs(untouched - ours).max() > 5


def test_an_interrupted_drawing_goes_on_and_the_base_is_drawn_once(
    examples, trained_controlnet, params, tmp_path, monkeypatch
):
    folder, drawn = trained_controlnet(), []
    draw = sampling.generate

    def counted(pipeline, prompts, *arguments, **options):
        drawn.append(len(prompts))
        return draw(pipeline, prompts, *arguments, **options)

    monkeypatch.setattr(sampling, "generate", counted)
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
        generate(examples, folder, tmp_path / name, params())
    assert drawn == [1, 1, 1, 1, 3], "fine-tuned, untouched twice, without its prompt, from more seeds; then the cache"


def test_without_photos_to_test_with_the_sentence_says_what_to_run(examples, params, tmp_path):
    rows = [example for example in examples if example["split"] == "train"]
    with pytest.raises(UserError, match=r"no photo is held out, .* run `dvc repro train` alone"):
        generate(rows, tmp_path, tmp_path, params())
