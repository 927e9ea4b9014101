import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from diffusers import ControlNetModel, StableDiffusionControlNetPipeline
from diffusers.models.controlnets.multicontrolnet import MultiControlNetModel
from helpers import wandb_file
from PIL import Image, ImageOps
from pydantic import ValidationError
from safetensors.torch import load_file

from s2i.core import cache
from s2i.core.errors import UserError
from s2i.core.params import Encode, Train
from s2i.diffusion import base, encoding, model_folder, sampling
from s2i.diffusion.encoding import EncodedExamples, Encoder
from s2i.diffusion.sampling import Guidance, SamplingSettings
from s2i.generation.held_out import generate
from s2i.imaging import io
from s2i.imaging.control_images import control_images
from s2i.training.methods import controlnet

SETTINGS = SamplingSettings(64, 2, guidance=Guidance(2.0))


@pytest.fixture(scope="module")
def pipeline(tiny_base):
    return base.load(tiny_base, tiny_base / "controlnet")


def draw(pipeline, prompts, seeds, controls):
    kinds = [[control] for control in controls]
    return np.stack(list(sampling.generate(pipeline, prompts, seeds, SETTINGS, control_images=kinds)))


def test_the_same_seed_draws_the_same_image_whatever_is_drawn_beside_it(pipeline):
    control = np.zeros((64, 64), np.uint8)
    alone = draw(pipeline, ["house"], [5], [control])
    among = draw(pipeline, ["house"] * 3, [4, 5, 6], [control] * 3)
    assert np.abs(alone[0].astype(int) - among[1]).max() <= 1
    assert np.abs(among[0].astype(int) - among[1]).max() > 10


def test_the_control_image_and_the_prompt_change_the_image(pipeline):
    blank, lines = np.zeros((64, 64), np.uint8), np.zeros((64, 64), np.uint8)
    lines[::4] = 255
    images = draw(pipeline, ["house", "house", "red tower"], [5] * 3, [blank, lines, blank])
    assert (images[0] != images[1]).any() and (images[0] != images[2]).any()


def test_a_control_image_has_white_lines_on_black():
    sketch = np.full((4, 6), 255, np.uint8)
    sketch[:, 0] = 0
    (plain,), (mirrored,) = control_images(sketch), control_images(sketch, flip=True)
    assert (plain[:, 0] == 255).all() and not plain[:, 1:].any() and (mirrored[:, -1] == 255).all()


def test_encoded_latents_and_words_are_those_of_the_base(examples, pipeline, tiny_base, tmp_path):
    encoding.encode(examples, tmp_path / "encoded", pipeline, str(tiny_base), ["sketch"], Encode())
    train = EncodedExamples(tmp_path / "encoded", "train")
    assert len(train) == 4 and len(EncodedExamples(tmp_path / "encoded", "val")) == 1
    encoder = Encoder(pipeline, 4)
    for index, example in enumerate(examples[:4]):
        photo = io.read(example["photo"])
        oriented = np.ascontiguousarray(photo[:, ::-1]) if example["flip"] else photo
        mean, _ = encoder.latents([oriented])
        torch.testing.assert_close(train[index]["latent_mean"], mean[0], atol=2e-3, rtol=2e-3)
        words = encoder.prompt_embeds([example["prompt"]])[0]
        torch.testing.assert_close(train[index]["embedding"], words, atol=2e-3, rtol=2e-3)
        (control,) = control_images(io.read_grey(example["sketch"]), flip=example["flip"])
        torch.testing.assert_close(train[index]["control.sketch"][0], torch.from_numpy(control) / 255)


def test_one_more_photo_leaves_other_shards_as_they_are(examples, pipeline, tiny_base, tmp_path, monkeypatch):
    settings = Encode(shard_size=2)
    encoding.encode(examples[:3], tmp_path / "before", pipeline, str(tiny_base), ["sketch"], settings)
    encoded = []
    latents = Encoder.latents
    monkeypatch.setattr(Encoder, "latents", lambda self, these: encoded.append(len(these)) or latents(self, these))
    encoding.encode(examples[:4], tmp_path / "after", pipeline, str(tiny_base), ["sketch"], settings)
    assert sum(encoded) == 2, "only the shard that the new photo falls into, with its one other photo"


def test_each_condition_is_encoded_and_has_a_controlnet_that_plain_diffusers_loads(
    examples, pipeline, tiny_base, params, tmp_path
):
    conditions = ["sketch", "edges", "material"]
    for example in examples:
        example |= {"matte": str(tmp_path / "matte.png"), "material_map": str(tmp_path / "map.png")}
    io.write_png(tmp_path / "matte.png", np.full((64, 64), 255, np.uint8))
    io.write_png(tmp_path / "map.png", np.full((64, 64, 3), (200, 30, 30), np.uint8))
    encoding.encode(examples, tmp_path / "encoded", pipeline, str(tiny_base), conditions, Encode())
    item = EncodedExamples(tmp_path / "encoded", "train")[0]
    assert item["control.material"].shape == (3, 64, 64) and item["control.edges"].shape == (1, 64, 64)
    assert item["control.material"][0].max() == pytest.approx(200 / 255) and item["matte"].min() == 1
    (tmp_path / "trained").mkdir()
    learning = {"condition_dropout": 0.2, "background_weight": 0.5, "snr_gamma": 5, "accumulate": 2}
    settings = params(learning, conditions=conditions, adapter="modified")
    controlnet.train(examples, tmp_path / "encoded", tmp_path / "trained", tmp_path / "live", settings)
    loaded = MultiControlNetModel.from_pretrained(str(tmp_path / "trained/controlnet"))
    assert len(loaded.nets) == 3
    assert {path.name for path in (tmp_path / "trained").iterdir()} >= {"adapter", "adapter_1", "adapter_2"}
    (tmp_path / "generated").mkdir()
    (row,) = generate(examples, tmp_path / "trained", tmp_path / "generated", settings)
    assert io.read(row["finetuned"]).shape == (64, 64, 3)


def test_examples_of_another_base_or_resolution_are_refused(trained):
    with pytest.raises(UserError, match=r"encoded with resolution 64, and .* needs 128: run `dvc repro encode`"):
        trained(resolution=128)
    with pytest.raises(UserError, match=r"encoded with conditions \['sketch'\], .* needs \['edges', 'sketch'\]"):
        trained("other", conditions=["edges", "sketch"])
    with pytest.raises(UserError, match=r"train.background_weight weighs by mattes"):
        trained("third", learning={"background_weight": 0.5})


def test_a_corrupt_shard_is_one_clear_sentence(trained, tmp_path):
    (shard,) = (tmp_path / "encoded/train").iterdir()
    torn = shard.read_bytes()[:100]
    shard.unlink()
    shard.write_bytes(torn)
    with pytest.raises(UserError, match=r"00000.safetensors cannot be read .*: delete .*encoded and run dvc repro"):
        trained()


def test_a_split_without_examples_says_what_to_do(tmp_path):
    with pytest.raises(UserError, match=r"has no val examples: add photos, or raise ingest\.val"):
        EncodedExamples(tmp_path, "val")


@pytest.fixture
def trained(examples, pipeline, tiny_base, tmp_path, params):
    """trained(name, **changes) fine-tunes on the examples and gives the folder."""
    encoding.encode(examples, tmp_path / "encoded", pipeline, str(tiny_base), ["sketch"], Encode())

    def trained(name="trained", **changes):
        (tmp_path / name).mkdir()
        controlnet.train(examples, tmp_path / "encoded", tmp_path / name, tmp_path / f"{name}-live", params(**changes))
        return tmp_path / name

    return trained


@pytest.mark.parametrize("adapter", ["full", "attention", "lora", "modified", "two-step"])
def test_fine_tuning_changes_the_controlnet_and_plain_diffusers_loads_it(trained, tiny_base, adapter):
    folder = trained(adapter=adapter)
    before, after = base.load_controlnet(tiny_base / "controlnet"), base.load_controlnet(folder / "controlnet")
    changed = [name for name, tensor in after.state_dict().items() if (tensor != before.state_dict()[name]).any()]
    assert changed
    if adapter != "full":
        assert all(".attn" in name and ".to_" in name for name in changed)


def test_without_an_adapter_the_controlnet_stays_as_it_was(trained, tiny_base):
    before, after = tiny_base / "controlnet", trained(adapter="none") / "controlnet"
    weights = [load_file(folder / "diffusion_pytorch_model.safetensors") for folder in (before, after)]
    assert all(torch.equal(weights[0][name], weights[1][name]) for name in weights[0])


def test_the_second_step_goes_on_where_the_first_ends(trained):
    live = trained(adapter="two-step", learning={"switch": 0.5}).with_name("trained-live")
    steps = pd.read_csv(live / "plots/metrics/loss.tsv", sep="\t")["step"]
    assert list(steps) == [1, 2, 3, 4]


def test_figures_and_images_of_the_training_are_kept(trained):
    live = trained().with_name("trained-live")
    assert (live / "metrics.json").exists()
    assert (live / "plots" / "metrics" / "loss.tsv").read_text().count("\n") == 1 + 4
    assert io.read(live / "plots" / "images" / "validation.png").shape[1] == 3 * 64 + 2 * 4


def test_losses_and_images_of_a_training_are_in_wandb(trained, own_cache, monkeypatch):
    pytest.importorskip("wandb")
    monkeypatch.setenv("WANDB_MODE", "offline")
    monkeypatch.setenv("WANDB_SILENT", "true")
    live = trained(learning={"tracker": "wandb"}).with_name("trained-live")
    (file,) = own_cache.rglob("*.wandb")
    rows = wandb_file.history(file)
    table = pd.read_csv(live / "plots/metrics/loss.tsv", sep="\t")
    assert [row["_step"] for row in rows] == list(table["step"]) == [1, 2, 3, 4]
    assert [row["loss"] for row in rows] == pytest.approx(list(table["loss"]))
    assert [row["_step"] for row in rows if "validation_loss" in row] == [2, 4]
    image = io.read(file.parent / "files" / rows[3]["validation.path"])
    assert (image == io.read(live / "plots/images/validation.png")).all()
    assert wandb_file.config(file)["train"]["steps"] == 4


def test_a_repeated_training_is_taken_from_its_checkpoints(trained, monkeypatch):
    first = trained("first")
    monkeypatch.setattr(controlnet, "noise_loss", lambda *_: pytest.fail("trained again"))
    second = trained("second")
    assert cache.folder_hash(first / "controlnet") == cache.folder_hash(second / "controlnet")


def test_other_parameters_are_another_training(trained):
    first, second = trained("first", adapter="lora"), trained("second", adapter="lora", rank=4)
    assert cache.folder_hash(first / "controlnet") != cache.folder_hash(second / "controlnet")


def test_the_seed_of_the_training_is_the_seed_unless_it_has_its_own(trained):
    folders = [trained("first"), trained("same", learning={"seed": 0}), trained("other", learning={"seed": 1})]
    first, same, other = (cache.folder_hash(folder / "controlnet") for folder in folders)
    assert first == same != other


def test_test_sketches_are_drawn_twice_from_one_seed(examples, trained, params, tmp_path):
    folder = trained(adapter="full")
    (tmp_path / "generated").mkdir()
    (row,) = generate(examples, folder, tmp_path / "generated", params())
    finetuned, untouched = io.read(row["finetuned"]), io.read(row["base"])
    assert finetuned.shape == (64, 64, 3) and (finetuned != untouched).any()


def test_without_words_neither_prompt_nor_material_map_speaks(examples, trained, params, tmp_path, monkeypatch):
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
    (given, colored), _, (empty, silent), (base_empty, _) = drawn
    assert given == ["house of red made of brick"] and (colored != silent).any()
    assert empty == base_empty == [""]
    assert rows["given"]["prompt"] == given[0] and rows["empty"]["prompt"] == ""
    for name in ("finetuned", "base"):
        assert (io.read(rows["given"][name]) != io.read(rows["empty"][name])).any()


def test_every_so_manieth_sketch_is_drawn_without_its_prompt_too(examples, trained, params, tmp_path):
    examples[-1] |= {"prompt": "house of red made of brick"}
    held_out = [*examples, examples[-1] | {"variant": 1}, examples[-1] | {"variant": 2}]
    settings = params(generate={"steps": 2, "unprompted": 2})
    (tmp_path / "given").mkdir()
    rows = generate(held_out, trained(), tmp_path / "given", settings)
    assert ["unprompted" in row for row in rows] == [True, False, True]
    assert (io.read(rows[0]["unprompted"]) != io.read(rows[0]["finetuned"])).any()
    assert rows[0]["prompt"] == "house of red made of brick", "what its other images were drawn from"


@pytest.mark.parametrize("form", ["controlnet", "adapter"])
def test_a_pipeline_of_plain_diffusers_draws_our_image(examples, trained, params, tiny_base, tmp_path, form):
    settings = params({"learning_rate": 0.05, "alpha": 6}, adapter="lora")
    folder = trained(learning={"learning_rate": 0.05, "alpha": 6}, adapter="lora")
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


def test_an_interrupted_drawing_goes_on_and_the_base_is_drawn_once(examples, trained, params, tmp_path, monkeypatch):
    folder, drawn = trained(), []
    draw = sampling.generate

    def counted(pipeline, prompts, *arguments, **options):
        drawn.append(len(prompts))
        return draw(pipeline, prompts, *arguments, **options)

    monkeypatch.setattr(sampling, "generate", counted)
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
        generate(examples, folder, tmp_path / name, params())
    assert drawn == [1, 1, 1], "fine-tuned, untouched and without its prompt, then all from the cache"


def test_a_base_that_is_not_there_is_one_clear_sentence(tmp_path, monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(UserError, match=r"base: '.*nowhere' is no folder here .* set base in params\.yaml"):
        base.load(tmp_path / "nowhere", None)
    (tmp_path / "empty").mkdir()
    with pytest.raises(UserError, match=r"has no model_index\.json; it must hold a model in diffusers format"):
        base.load(tmp_path / "empty", None)


def test_the_edge_loss_joins_every_nth_step_and_stays_out_of_the_validation(trained, monkeypatch):
    asked = []
    counted = lambda estimate, latents: asked.append(1) or torch.zeros(len(estimate))  # noqa: E731
    monkeypatch.setattr(controlnet, "edge_loss", lambda vae, settings: counted)
    edge = {"weight": 0.5, "every": 2, "below": 1000, "counter": str(Path(__file__))}
    trained(learning={"edge": edge})
    assert len(asked) == 2, "steps 0 and 2 of four"


def test_examples_of_another_base_of_the_same_shape_are_refused(trained, tiny_base, tmp_path):
    other = tmp_path / "other"
    shutil.copytree(tiny_base, other)
    (other / "scheduler/scheduler_config.json").write_text(
        (other / "scheduler/scheduler_config.json").read_text() + " "
    )
    with pytest.raises(UserError, match=r"encoded with another base than .*other: run `dvc repro encode`"):
        trained(base=str(other))


def test_encoder_blocks_train_at_a_rate_of_their_own_and_are_saved(trained, tiny_base):
    learning = {"encoder_blocks": 1, "adapter_learning_rate": 1e-2}
    folder = trained(adapter="lora", learning=learning)
    before, after = base.load_controlnet(tiny_base / "controlnet"), base.load_controlnet(folder / "controlnet")
    old = before.state_dict()
    changed = {name for name, tensor in after.state_dict().items() if (tensor != old[name]).any()}
    assert any("controlnet_cond_embedding" in name for name in changed)
    assert all("controlnet_cond_embedding" in name or ".to_" in name for name in changed)
    rates = {controlnet._rate(params_with(learning), name) for name in ("a.lora_A.default.weight", "b.weight")}
    assert rates == {1e-2, 1e-3}


def params_with(learning):
    return Train(steps=1, batch_size=1, learning_rate=1e-3, **learning)


def test_the_second_step_begins_where_the_first_no_longer_gets_better(trained, monkeypatch):
    monkeypatch.setattr(controlnet, "_validation_loss", lambda *_: 1.0)
    learning = {"switch": "plateau", "patience": 1, "steps": 20, "validate_every": 2}
    live = trained(adapter="two-step", learning=learning).with_name("trained-live")
    steps = pd.read_csv(live / "plots/metrics/loss.tsv", sep="\t")["step"]
    assert list(steps) == list(range(1, 9)), "each step ends at its second validation, which is no better"


def test_a_plateau_without_patience_is_refused(params):
    with pytest.raises(ValidationError, match=r"train\.switch is plateau, which train\.patience must define"):
        params({"switch": "plateau"}, adapter="two-step")
