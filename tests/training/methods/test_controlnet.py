"""A ControlNet fine-tuned by each adapter, and what a training leaves."""

import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from diffusers.models.controlnets.multicontrolnet import MultiControlNetModel
from helpers import wandb_file
from pydantic import ValidationError
from safetensors.torch import load_file

from s2i.core import cache
from s2i.core.errors import UserError
from s2i.core.params import Encode, Train
from s2i.diffusion import base, encoding, sampling
from s2i.diffusion.controlnets import ControlledUNet
from s2i.diffusion.encoding import EncodedExamples
from s2i.diffusion.sampling import SamplingSettings
from s2i.generation import find_model
from s2i.generation.held_out import generate
from s2i.imaging import io
from s2i.imaging.control_images import control_images_of
from s2i.training import control_loss, losses
from s2i.training.methods import controlnet
from s2i.training.randomness import BatchRandom
from s2i.training.validation_images import DrawnScores, ValidationImages


@pytest.fixture(scope="module")
def pipeline(tiny_base):
    return base.load(tiny_base, tiny_base / "controlnet")


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_each_condition_is_encoded_and_has_a_controlnet_that_plain_diffusers_loads(
    examples, pipeline, tiny_base, params, tmp_path, precision, fresh_accelerate
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
    settings = params(learning, conditions=conditions, adapter="modified", precision=precision)
    controlnet.train(examples, tmp_path / "encoded", tmp_path / "trained", tmp_path / "live", settings)
    loaded = MultiControlNetModel.from_pretrained(str(tmp_path / "trained/controlnet"))
    assert len(loaded.nets) == 3
    assert {path.name for path in (tmp_path / "trained").iterdir()} >= {"adapter", "adapter_1", "adapter_2"}
    (tmp_path / "generated").mkdir()
    (row,) = generate(examples, tmp_path / "trained", tmp_path / "generated", settings)
    assert io.read(row["finetuned"]).shape == (64, 64, 3)


def test_margins_do_not_count_in_the_loss(encoded, pipeline, params, monkeypatch):
    seen = []

    def recorded(predict, latents, noise_scheduler, rng, snr_gamma, weights, original_loss):
        seen.append(weights)
        return losses.noise_loss(predict, latents, noise_scheduler, rng, snr_gamma, weights, original_loss)

    monkeypatch.setattr(control_loss, "noise_loss", recorded)
    (item, *_) = EncodedExamples(encoded, "train")
    batch = {name: tensor[None] for name, tensor in item.items()}
    batch["inside"] = batch["inside"].clone()
    batch["inside"][..., :3, :] = 0
    batch["matte"] = torch.full_like(batch["inside"], 0.5)
    model = ControlledUNet(pipeline.unet, pipeline.controlnet)
    values = {}
    for weight in (1.0, 0.2):
        settings = params({"background_weight": weight})
        loss = control_loss.control_loss(pipeline, torch.zeros_like(batch["embedding"][0]), settings)
        values[weight] = loss(model, batch, BatchRandom(torch.device("cpu")).seed(0)).item()
    assert torch.equal(seen[0], batch["inside"]) and torch.allclose(seen[1], 0.6 * batch["inside"])
    assert values[0.2] == pytest.approx(values[1.0], rel=1e-5), "even weights weigh nothing"
    whole = control_loss.control_loss(pipeline, torch.zeros_like(batch["embedding"][0]), params())
    batch["inside"] = torch.ones_like(batch["inside"])
    assert whole(model, batch, BatchRandom(torch.device("cpu")).seed(0)).item() != values[1.0]


def test_dropped_control_is_the_prediction_that_guidance_takes_for_no_sketch(encoded, pipeline, params):
    (item, *_) = EncodedExamples(encoded, "train")
    batch = {name: tensor[None] for name, tensor in item.items()}
    model = ControlledUNet(pipeline.unet, pipeline.controlnet)

    def value(control_image=batch["control.sketch"], settings=None, **learning):
        settings = settings or params({"prompt_dropout": 0} | learning)
        loss = control_loss.control_loss(pipeline, torch.zeros_like(item["embedding"]), settings)
        rng = BatchRandom(torch.device("cpu")).seed(0, 1)
        return loss(model, batch | {"control.sketch": control_image}, rng)

    other = 1 - batch["control.sketch"]
    dropped = value(control_dropout=1)
    assert dropped == value(other, control_dropout=1) and value() != value(other)
    dropped.backward()
    assert all(one.grad is None or not one.grad.any() for one in pipeline.controlnet.parameters())
    assert any(one.grad.any() for one in pipeline.unet.parameters())
    validated = control_loss.without_choices(params({"control_dropout": 1}))
    assert value(settings=validated) == value(), "validation sees every sketch"
    pipeline.unet.zero_grad(set_to_none=True)


def test_fine_tuning_leaves_the_unet_and_so_the_prediction_without_a_sketch_as_they_were(trained_controlnet, tiny_base):
    folder = trained_controlnet(adapter="full")
    assert {path.name for path in folder.iterdir()} == {"controlnet", "adapter", "generate.json"}


def test_landscape_photos_are_learned_validated_and_drawn_in_their_shape(
    landscape_examples, pipeline, tiny_base, params, tmp_path
):
    encoding.encode(landscape_examples, tmp_path / "encoded", pipeline, str(tiny_base), ["sketch"], Encode())
    (tmp_path / "trained").mkdir()
    controlnet.train(
        landscape_examples, tmp_path / "encoded", tmp_path / "trained", tmp_path / "live", params(adapter="full")
    )
    assert (tmp_path / "live/plots/images/validation.png").exists()
    (tmp_path / "generated").mkdir()
    (row,) = generate(landscape_examples, tmp_path / "trained", tmp_path / "generated", params())
    assert io.read(row["finetuned"]).shape == io.read(row["base"]).shape == (43, 64, 3)


@pytest.mark.parametrize("adapter", ["full", "attention", "lora", "modified", "two-step"])
def test_fine_tuning_changes_the_controlnet_and_plain_diffusers_loads_it(trained_controlnet, tiny_base, adapter):
    folder = trained_controlnet(adapter=adapter)
    before, after = base.load_controlnet(tiny_base / "controlnet"), base.load_controlnet(folder / "controlnet")
    changed = [name for name, tensor in after.state_dict().items() if (tensor != before.state_dict()[name]).any()]
    assert changed
    if adapter != "full":
        assert all(".attn" in name and ".to_" in name for name in changed)


def test_without_an_adapter_the_controlnet_stays_as_it_was(trained_controlnet, tiny_base):
    before, after = tiny_base / "controlnet", trained_controlnet(adapter="none") / "controlnet"
    weights = [load_file(folder / "diffusion_pytorch_model.safetensors") for folder in (before, after)]
    assert all(torch.equal(weights[0][name], weights[1][name]) for name in weights[0])


def test_the_second_step_goes_on_where_the_first_ends(trained_controlnet):
    live = trained_controlnet(adapter="two-step", learning={"switch": 0.5}).with_name("trained-live")
    steps = pd.read_csv(live / "plots/metrics/loss.tsv", sep="\t")["step"]
    assert list(steps) == [1, 2, 3, 4]


def test_figures_and_images_of_the_training_are_kept(trained_controlnet):
    live = trained_controlnet().with_name("trained-live")
    assert (live / "metrics.json").exists()
    assert (live / "plots" / "metrics" / "loss.tsv").read_text().count("\n") == 1 + 4
    assert io.read(live / "plots" / "images" / "validation.png").shape[1] == 3 * 64 + 2 * 4


@pytest.mark.parametrize(
    ("precision", "learning"),
    [
        ("fp32", {"frozen": "bf16"}),
        ("bf16", {}),
        ("bf16", {"frozen": "fp32"}),
        pytest.param("bf16", {"compile": True}, marks=pytest.mark.slow),
    ],
    ids=str,
)
def test_images_of_the_training_are_drawn_where_parts_of_it_are_in_bf16(
    trained_controlnet, precision, learning, fresh_accelerate
):
    live = trained_controlnet(learning=learning, precision=precision).with_name("trained-live")
    image = io.read(live / "plots" / "images" / "validation.png")
    assert image.shape[1] == 3 * 64 + 2 * 4 and image[:, 72:132].std() > 0


def test_losses_and_images_of_a_training_are_in_wandb(trained_controlnet, own_cache, offline_wandb):
    live = trained_controlnet(learning={"tracker": "wandb"}).with_name("trained-live")
    (file,) = own_cache.rglob("*.wandb")
    rows = wandb_file.history(file)
    table = pd.read_csv(live / "plots/metrics/loss.tsv", sep="\t")
    assert [row["_step"] for row in rows] == list(table["step"]) == [1, 2, 3, 4]
    assert [row["loss"] for row in rows] == pytest.approx(list(table["loss"]))
    assert [row["_step"] for row in rows if "validation_loss" in row] == [2, 4]
    image = io.read(file.parent / "files" / rows[3]["validation.path"])
    assert (image == io.read(live / "plots/images/validation.png")).all()
    assert wandb_file.config(file)["train"]["steps"] == 4


def test_a_repeated_training_is_taken_from_its_checkpoints(trained_controlnet, monkeypatch):
    first = trained_controlnet("first")
    monkeypatch.setattr(control_loss, "noise_loss", lambda *_: pytest.fail("trained again"))
    second = trained_controlnet("second")
    assert cache.folder_hash(first / "controlnet") == cache.folder_hash(second / "controlnet")


def test_other_parameters_are_another_training(trained_controlnet):
    first, second = trained_controlnet("first", adapter="lora"), trained_controlnet("second", adapter="lora", rank=4)
    assert cache.folder_hash(first / "controlnet") != cache.folder_hash(second / "controlnet")


def test_the_seed_of_the_training_is_the_seed_unless_it_has_its_own(trained_controlnet):
    folders = [
        trained_controlnet("first"),
        trained_controlnet("same", learning={"seed": 0}),
        trained_controlnet("other", learning={"seed": 1}),
    ]
    first, same, other = (cache.folder_hash(folder / "controlnet") for folder in folders)
    assert first == same != other


def test_the_edge_loss_joins_every_nth_step_and_stays_out_of_the_validation(trained_controlnet, monkeypatch):
    asked = []
    counted = lambda estimate, latents: asked.append(1) or torch.zeros(len(estimate))  # noqa: E731
    monkeypatch.setattr(control_loss, "edge_loss", lambda vae, settings: counted)
    edge = {"weight": 0.5, "every": 2, "below": 1000, "counter": str(Path(__file__))}
    trained_controlnet(learning={"edge": edge})
    assert len(asked) == 2, "steps 0 and 2 of four"
    trained_controlnet("later", learning={"edge": edge | {"after": 0.5}})
    assert len(asked) == 3, "step 2 alone"


def test_encoder_blocks_train_at_a_rate_of_their_own_and_are_saved(trained_controlnet, tiny_base):
    learning = {"encoder_blocks": 1, "adapter_learning_rate": 1e-2}
    folder = trained_controlnet(adapter="lora", learning=learning)
    before, after = base.load_controlnet(tiny_base / "controlnet"), base.load_controlnet(folder / "controlnet")
    old = before.state_dict()
    changed = {name for name, tensor in after.state_dict().items() if (tensor != old[name]).any()}
    assert any("controlnet_cond_embedding" in name for name in changed)
    assert all("controlnet_cond_embedding" in name or ".to_" in name for name in changed)
    names = ("a.lora_A.default.weight", "b.weight")
    rates = {controlnet.learning_rate_of(params_with(learning), name) for name in names}
    assert rates == {1e-2, 1e-3}


def test_the_validation_loss_hangs_on_the_weights_alone(trained_controlnet, own_cache):
    """Neither on how examples are batched, nor on what the training leaves out or weighs."""
    dropout = {"prompt_dropout": 0.9, "condition_dropout": 0.9}
    losses = []
    for number, learning in enumerate([{}, {"batch_size": 1}, {"batch_size": 4, "accumulate": 2}, dropout]):
        settings = {"steps": 1, "validate_every": 1, "learning_rate": 1e-12} | learning
        live = trained_controlnet(f"trained-{number}", learning=settings).with_name(f"trained-{number}-live")
        losses.append(json.loads((live / "metrics.json").read_text())["validation_loss"])
    assert losses == pytest.approx([losses[0]] * len(losses), rel=1e-5)


def test_the_weights_that_draw_validation_sketches_best_are_kept(trained_controlnet, monkeypatch):
    errors = iter([0.5, 0.2, 0.4])
    scores = lambda self, images: DrawnScores(1 - next(errors), 0.0)  # noqa: E731
    monkeypatch.setattr(ValidationImages, "score", scores)
    live = trained_controlnet(learning={"steps": 6}).with_name("trained-live")
    assert json.loads((live / "metrics.json").read_text())["best_step"] == 4
    table = pd.read_csv(live / "plots/metrics/validation_error.tsv", sep="\t")
    assert list(table["validation_error"]) == pytest.approx([0.25, 0.1, 0.2])


def test_without_validation_images_the_error_of_the_noise_decides(trained_controlnet, monkeypatch):
    losses = iter([0.5, 0.2, 0.4])
    monkeypatch.setattr(controlnet.ControlNetTraining, "validation_loss", lambda *_: next(losses))
    live = trained_controlnet(learning={"steps": 6, "validation_images": 0}).with_name("trained-live")
    assert json.loads((live / "metrics.json").read_text())["best_step"] == 4
    assert not (live / "plots/images/validation.png").exists()


def test_a_training_on_all_photos_validates_by_none_and_takes_all_its_steps(examples, encoded, params, tmp_path):
    shutil.rmtree(encoded / "val")
    rows = [example for example in examples if example["split"] == "train"]
    (tmp_path / "trained").mkdir()
    controlnet.train(rows, encoded, tmp_path / "trained", tmp_path / "live", params({"patience": 1}))
    figures = json.loads((tmp_path / "live/metrics.json").read_text())
    assert figures["best_step"] == 4 and "validation_loss" not in figures
    plateau = params({"patience": 1, "switch": "plateau"}, adapter="two-step")
    with pytest.raises(UserError, match=r"train.switch is plateau, and no photo is held out"):
        controlnet.train(rows, encoded, tmp_path / "trained", tmp_path / "live", plateau)


@pytest.mark.parametrize("adapter", ["lora", "none", "two-step"])
def test_a_lora_of_the_unet_trains_beside_the_controlnet_and_draws(
    trained_controlnet, examples, params, tiny_base, tmp_path, adapter
):
    learning = {"unet_rank": 2, "learning_rate": 0.05}
    folder = trained_controlnet(adapter=adapter, learning=learning)
    state = load_file(folder / "unet_lora/pytorch_lora_weights.safetensors")
    assert {tensor.shape[0] for name, tensor in state.items() if "lora_A" in name} == {2}
    assert any(tensor.abs().max() > 0 for name, tensor in state.items() if "lora_B" in name), "it has learned"
    settings = params(learning, adapter=adapter)
    (tmp_path / "generated").mkdir()
    (row,) = generate(examples, folder, tmp_path / "generated", settings)
    ours = io.read(row["finetuned"])
    # Plain diffusers loads it, and the image without it is another.
    pipeline = base.load(tiny_base, folder / "controlnet")
    pipeline.load_lora_weights(folder / "unet_lora")
    task = controlnet.generation_task([dict(examples[-1])], folder, tmp_path, settings)
    (theirs,), (without,) = (
        sampling.generate(
            each,
            [examples[-1]["prompt"]],
            [row["generation_seed"]],
            SamplingSettings.from_params(settings.generate, 64),
            control_images=[control_images_of(examples[-1], ["sketch"])],
        )
        for each in (pipeline, base.load(tiny_base, folder / "controlnet"))
    )
    assert np.abs(ours.astype(int) - theirs).max() <= 1 < np.abs(ours.astype(int) - without).max()
    assert folder / "unet_lora" in task.models, "the cache tells images with it from those without"
    assert find_model.find(folder, settings).unet_lora == folder / "unet_lora", "s2i generate takes it"


def params_with(learning):
    return Train(steps=1, batch_size=1, learning_rate=1e-3, **learning)


def test_the_second_step_begins_where_the_first_no_longer_gets_better(trained_controlnet, monkeypatch):
    monkeypatch.setattr(controlnet.ControlNetTraining, "validation_loss", lambda *_: 1.0)
    learning = {"switch": "plateau", "patience": 1, "steps": 20, "validate_every": 2, "validation_images": 0}
    live = trained_controlnet(adapter="two-step", learning=learning).with_name("trained-live")
    steps = pd.read_csv(live / "plots/metrics/loss.tsv", sep="\t")["step"]
    assert list(steps) == list(range(1, 9)), "each step ends at its second validation, which is no better"


def test_a_plateau_without_patience_is_refused(params):
    with pytest.raises(ValidationError, match=r"train\.switch is plateau, which train\.patience must define"):
        params({"switch": "plateau"}, adapter="two-step")
