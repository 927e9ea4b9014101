import numpy as np
import pytest
import torch
from diffusers import ControlNetModel
from helpers.controlnets import disturb, output
from safetensors.torch import load_file

from s2i.diffusion import adapters

SD15 = {"cross_attention_dim": 768, "attention_head_dim": 8}


def trainable(model):
    return sum(parameter.numel() for parameter in model.parameters() if parameter.requires_grad)


@pytest.mark.parametrize(
    ("adapter", "rank", "count"),
    [
        ("modified", 4, 44_859_648),
        ("modified", 256, 67_890_432),
        ("modified", 512, 91_286_784),
        ("lora", 4, 365_568),
        ("lora", 256, 23_396_352),
        ("lora", 512, 46_792_704),
        ("attention", 4, 44_494_080),
    ],
)
def test_as_many_weights_of_stable_diffusion_train_as_the_adapter_says(adapter, rank, count):
    with torch.device("meta"):
        controlnet = ControlNetModel(**SD15)
        adapters.inject(controlnet, adapter, rank)
    assert trainable(controlnet) == count


def test_none_trains_nothing_and_encoder_blocks_train_beside_an_adapter(controlnet):
    adapters.inject(controlnet, "none", 4)
    assert trainable(controlnet) == 0
    sizes = [sum(p.numel() for p in block.parameters()) for block in controlnet.down_blocks]
    embedding = sum(p.numel() for p in controlnet.controlnet_cond_embedding.parameters())
    adapters.inject(controlnet, "none", 4, encoder_blocks=1)
    assert trainable(controlnet) == embedding
    adapters.inject(controlnet, "none", 4, encoder_blocks=2)
    assert trainable(controlnet) == embedding + sizes[0]


def test_a_rank_beyond_the_widest_layer_is_warned_of(controlnet):
    with pytest.warns(UserWarning, match=r"rank 64: the widest update of this model has rank 32"):
        adapters.inject(controlnet, "lora", 64)


def test_full_trains_every_weight(controlnet):
    adapters.inject(controlnet, "full", 4)
    assert trainable(controlnet) == sum(parameter.numel() for parameter in controlnet.parameters())


@pytest.mark.parametrize("adapter", ["full", "attention", "lora", "modified"])
def test_an_untrained_adapter_changes_nothing_bit_for_bit(controlnet, adapter):
    before = output(controlnet)
    adapters.inject(controlnet, adapter, 4)
    assert torch.equal(output(controlnet), before)


def test_alpha_scales_the_low_rank_update(controlnet):
    plain = output(controlnet)
    state = {name: tensor.clone() for name, tensor in controlnet.state_dict().items()}
    moved = {}
    for alpha in (None, 4, 0.04):
        fresh = ControlNetModel.from_config(controlnet.config).eval()
        fresh.load_state_dict(state)
        torch.manual_seed(2)
        adapters.inject(fresh, "lora", 4, alpha)
        disturb(fresh)
        moved[alpha] = (output(fresh) - plain).norm().item()
    assert moved[None] == moved[4], "alpha is the rank unless given"
    assert moved[0.04] < 0.1 * moved[4]


@pytest.mark.parametrize("adapter", ["full", "attention", "lora", "modified"])
def test_the_saved_controlnet_is_plain_diffusers_and_draws_alike(controlnet, adapter, tmp_path):
    adapters.inject(controlnet, adapter, 4)
    disturb(controlnet)
    trained = output(controlnet)
    adapters.save(controlnet, tmp_path / "controlnet", tmp_path / "adapter")
    loaded = ControlNetModel.from_pretrained(tmp_path / "controlnet").eval()
    assert not any("lora" in name for name in loaded.state_dict())
    np.testing.assert_allclose(output(loaded), trained, atol=1e-5)


@pytest.mark.parametrize("adapter", ["lora", "modified"])
def test_the_saved_adapter_alone_makes_the_base_draw_like_the_trained_one(controlnet, adapter, tmp_path):
    controlnet.save_pretrained(tmp_path / "base")
    adapters.inject(controlnet, adapter, 4)
    disturb(controlnet)
    trained = output(controlnet)
    adapters.save(controlnet, tmp_path / "controlnet", tmp_path / "adapter")
    base = ControlNetModel.from_pretrained(tmp_path / "base").eval()
    untouched = output(base)
    if adapter == "modified":
        loaded = base.load_state_dict(load_file(tmp_path / "adapter" / "weights.safetensors"), strict=False)
        assert not loaded.unexpected_keys
    else:
        assert not (tmp_path / "adapter" / "weights.safetensors").exists(), "no W0 was trained"
    base.load_lora_adapter(tmp_path / "adapter", prefix=None, use_safetensors=True)
    np.testing.assert_allclose(output(base), trained, atol=1e-5)
    assert not np.allclose(untouched, trained, atol=1e-3)


def test_two_steps_are_modified_lora_merged_and_conventional_lora_on_top(controlnet, tmp_path):
    controlnet.save_pretrained(tmp_path / "base")
    adapters.inject(controlnet, "modified", 4)
    disturb(controlnet)
    first = output(controlnet)
    adapters.merge(controlnet)
    merged = output(controlnet)
    np.testing.assert_allclose(merged, first, atol=1e-5)
    adapters.inject(controlnet, "lora", 2)
    assert torch.equal(output(controlnet), merged) and trainable(controlnet) < 4000
    disturb(controlnet)
    second = output(controlnet)
    assert not np.allclose(second, first, atol=1e-3)
    adapters.save(controlnet, tmp_path / "controlnet", tmp_path / "adapter", projections=True)
    base = ControlNetModel.from_pretrained(tmp_path / "base").eval()
    base.load_state_dict(load_file(tmp_path / "adapter" / "weights.safetensors"), strict=False)
    base.load_lora_adapter(tmp_path / "adapter", prefix=None, use_safetensors=True)
    np.testing.assert_allclose(output(base), second, atol=1e-5)
    np.testing.assert_allclose(
        output(ControlNetModel.from_pretrained(tmp_path / "controlnet").eval()), second, atol=1e-5
    )
