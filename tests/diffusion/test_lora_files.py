"""Trained models in the formats of others."""

import numpy as np
import pytest
import torch
from diffusers import ControlNetModel
from diffusers.utils.state_dict_utils import convert_state_dict_to_diffusers
from helpers.controlnets import disturb, output
from peft import LoraConfig, get_peft_model_state_dict
from safetensors.torch import load_file, save_file

from s2i.core.errors import UserError
from s2i.diffusion import adapters, base, lora_files


@pytest.fixture
def trained(controlnet, tmp_path):
    """trained(adapter) saves a ControlNet as it was and as it is after training."""

    def trained(adapter, rank=4, alpha=None):
        controlnet.save_pretrained(tmp_path / "base")
        adapters.inject(controlnet, adapter, rank, alpha)
        disturb(controlnet)
        adapters.save(controlnet, tmp_path / "controlnet", tmp_path / "adapter")
        return tmp_path / "controlnet", tmp_path / "base"

    return trained


def with_lora(base, folder):
    loaded = ControlNetModel.from_pretrained(base).eval()
    loaded.load_lora_adapter(folder, prefix=None, use_safetensors=True)
    return output(loaded)


def test_a_lora_is_found_again_in_the_weights_it_was_merged_into(trained, tmp_path):
    after, before = trained("lora")
    assert lora_files.extract_lora(after, before, 4, tmp_path / "cut") == pytest.approx(1, abs=1e-4)
    wanted = output(ControlNetModel.from_pretrained(after).eval())
    np.testing.assert_allclose(with_lora(before, tmp_path / "cut"), wanted, atol=1e-4)


def test_a_higher_rank_keeps_more_of_a_full_training_and_draws_nearer_to_it(trained, tmp_path):
    after, before = trained("full")
    wanted, untouched = (output(ControlNetModel.from_pretrained(place).eval()) for place in (after, before))
    kept, far = [], [(untouched - wanted).norm().item()]
    for rank in (1, 8, 64):
        kept.append(lora_files.extract_lora(after, before, rank, tmp_path / f"rank-{rank}"))
        far.append((with_lora(before, tmp_path / f"rank-{rank}") - wanted).norm().item())
    assert 0 < kept[0] < kept[1] < kept[2] < 1, "biases and norms are not in it"
    assert far[3] < 0.5 * far[0] and far[3] < far[1]


def test_what_did_not_change_cannot_be_exported(controlnet, tmp_path):
    controlnet.save_pretrained(tmp_path / "same")
    with pytest.raises(UserError, match=r"does not differ from .*: there is nothing to export"):
        lora_files.extract_lora(tmp_path / "same", tmp_path / "same", 4, tmp_path / "cut")


@pytest.fixture
def checkpoint(controlnet, tmp_path):
    """A modified-LoRA checkpoint as others write it, with what its model computes; edit(state) changes it first."""

    def checkpoint(edit=lambda state: None, rank=3):
        controlnet.save_pretrained(tmp_path / "base")
        torch.manual_seed(3)
        state = {}
        for name, module in list(controlnet.named_modules()):
            if name.endswith(adapters.PROJECTIONS):
                low, high = 0.2 * torch.randn(rank, module.in_features), 0.2 * torch.randn(module.out_features, rank)
                state |= {f"{name}.original.weight": module.weight.detach() + 0.05, f"{name}.lora_A": low}
                state |= {f"{name}.lora_B": high}
                module.weight.data += 0.05 + high @ low / rank
                if module.bias is not None:
                    state[f"{name}.original.bias"] = module.bias.detach() + 0.1
                    module.bias.data += 0.1
        edit(state)
        torch.save(state, tmp_path / "theirs.pth")
        return tmp_path / "theirs.pth", output(controlnet)

    return checkpoint


def test_a_modified_lora_checkpoint_computes_here_what_it_did_there(checkpoint, tmp_path):
    file, wanted = checkpoint()
    assert lora_files.import_modified_lora(file, tmp_path / "base", tmp_path / "imported") == 3
    taken = ControlNetModel.from_pretrained(tmp_path / "imported/controlnet").eval()
    np.testing.assert_allclose(output(taken), wanted, atol=1e-4, rtol=1e-4)
    assert (tmp_path / "imported/adapter/weights.safetensors").exists()


def test_biases_that_a_checkpoint_does_not_hold_stay_as_they_were(checkpoint, tmp_path):
    file, _ = checkpoint(lambda state: [state.pop(name) for name in list(state) if name.endswith("bias")])
    assert lora_files.import_modified_lora(file, tmp_path / "base", tmp_path / "imported") == 3
    before, after = (
        load_file(next(folder.glob("*.safetensors")))
        for folder in (tmp_path / "base", tmp_path / "imported/controlnet")
    )
    changed = [name for name in before if (before[name] != after[name]).any()]
    assert changed and all(name.endswith(".weight") for name in changed)


def drop(state):
    state.pop(next(name for name in state if name.endswith("to_k.lora_B")))


def stranger(state):
    state["up_blocks.0.to_q.original.weight"] = torch.zeros(4, 4)


def misshapen(state):
    name = next(name for name in state if name.endswith("to_k.original.weight"))
    state[name] = state[name][:, :-1]


@pytest.mark.parametrize(
    ("edit", "sentence"),
    [
        (drop, r"theirs.pth is not whole: .*to_k.lora_B is missing, and 0 more"),
        (stranger, r"has no up_blocks.0.to_q.original.weight; name the ControlNet"),
        (misshapen, r"to_k.original.weight is 16 x 15, and .* needs 16 x 16; name the ControlNet"),
        (dict.clear, r"holds no modified LoRA of one rank: its .lora_A have no rows"),
    ],
)
def test_a_checkpoint_that_does_not_fit_is_one_clear_sentence(checkpoint, tmp_path, edit, sentence):
    file, _ = checkpoint(edit)
    with pytest.raises(UserError, match=sentence):
        lora_files.import_modified_lora(file, tmp_path / "base", tmp_path / "imported")
    assert not (tmp_path / "imported").exists()


class Code:
    def __reduce__(self):
        return print, ("executed",)


def test_code_in_a_checkpoint_is_not_run(tmp_path, controlnet, capsys):
    controlnet.save_pretrained(tmp_path / "base")
    torch.save({"a.lora_A": Code()}, tmp_path / "evil.pth")
    with pytest.raises(UserError, match=r"evil.pth is no checkpoint of tensors alone"):
        lora_files.import_modified_lora(tmp_path / "evil.pth", tmp_path / "base", tmp_path / "imported")
    assert "executed" not in capsys.readouterr().out


MODULES = [*adapters.PROJECTIONS, "proj_in", "proj_out", "ff.net.0.proj", "ff.net.2"]
MODULES += ["conv1", "conv2", "conv_shortcut", "time_emb_proj", "downsamplers.0.conv", "upsamplers.0.conv"]


@torch.no_grad()
def noise(pipeline):
    """What the UNet predicts for one noisy image."""
    rng = torch.Generator().manual_seed(0)
    unet = pipeline.unet
    latents = torch.randn(1, unet.config.in_channels, 8, 8, generator=rng)
    return unet(latents, 500, torch.randn(1, 5, unet.config.cross_attention_dim, generator=rng)).sample


@pytest.fixture
def unet_lora(tiny_base, tmp_path):
    """unet_lora(old_names=, **settings) saves a LoRA of the base's UNet and gives its folder and what it predicts."""

    def unet_lora(old_names=False, settings_known=True, **settings):
        pipeline = base.load(tiny_base, None)
        config = LoraConfig(**{"r": 4, "lora_alpha": 8, "target_modules": MODULES} | settings)
        pipeline.unet.add_adapter(config)
        torch.manual_seed(1)
        for name, parameter in pipeline.unet.named_parameters():
            if "lora_B" in name:
                torch.nn.init.normal_(parameter, std=0.1)
        state = get_peft_model_state_dict(pipeline.unet)
        if old_names:
            state = convert_state_dict_to_diffusers(state)
        told = config.to_dict() if settings_known else None
        pipeline.save_lora_weights(tmp_path / "unet_lora", state, unet_lora_adapter_metadata=told)
        return tmp_path / "unet_lora", noise(pipeline)

    return unet_lora


def prediction(base_folder, file):
    pipeline = base.load(base_folder, None)
    pipeline.load_lora_weights(file)
    return noise(pipeline)


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"lora_alpha": 4},
        {"alpha_pattern": {"attn1.to_q": 1, "conv1": 16}, "rank_pattern": {"attn1.to_q": 2}},
        {"use_rslora": True},
        {"lora_alpha": 4, "settings_known": False},
        {"target_modules": list(adapters.PROJECTIONS), "old_names": True},
    ],
)
@pytest.mark.parametrize(
    ("names", "file"),
    [("kohya", "unet_lora.safetensors"), ("diffusers", "pytorch_lora_weights.safetensors")],
)
def test_an_exported_unet_lora_predicts_what_it_did(unet_lora, tiny_base, tmp_path, settings, names, file):
    folder, wanted = unet_lora(**settings)
    lora_files.export_unet_lora(folder, names, tmp_path / "out")
    np.testing.assert_allclose(prediction(tiny_base, tmp_path / "out" / file), wanted, atol=1e-5)
    assert not np.allclose(noise(base.load(tiny_base, None)), wanted, atol=1e-2)


def test_kohya_names_and_alphas_are_those_that_comfyui_reads(unet_lora, tmp_path):
    folder, _ = unet_lora(target_modules=["attn2.to_out.0"], lora_alpha=6)
    lora_files.export_unet_lora(folder, "kohya", tmp_path / "out")
    tensors = load_file(tmp_path / "out/unet_lora.safetensors")
    modules = {name.partition(".")[0] for name in tensors}
    assert "lora_unet_down_blocks_0_attentions_0_transformer_blocks_0_attn2_to_out_0" in modules
    for module in modules:
        assert tensors[f"{module}.lora_down.weight"].shape[0] == tensors[f"{module}.lora_up.weight"].shape[1] == 4
        assert tensors[f"{module}.alpha"].shape == () and tensors[f"{module}.alpha"].item() == 6


def test_what_is_no_lora_of_a_unet_is_one_clear_sentence(unet_lora, tmp_path):
    with pytest.raises(UserError, match=r"nowhere.pytorch_lora_weights.safetensors cannot be read"):
        lora_files.export_unet_lora(tmp_path / "nowhere", "kohya", tmp_path / "out")
    folder, _ = unet_lora(use_dora=True, target_modules=["to_q"])
    with pytest.raises(UserError, match=r"holds unet\..*lora_magnitude_vector: only low-rank updates of the UNet"):
        lora_files.export_unet_lora(folder, "kohya", tmp_path / "out")
    save_file({"text_encoder.a.lora_A.weight": torch.zeros(1)}, folder / "pytorch_lora_weights.safetensors")
    with pytest.raises(UserError, match=r"holds text_encoder.a.lora_A.weight: only low-rank updates of the UNet"):
        lora_files.export_unet_lora(folder, "kohya", tmp_path / "out")
