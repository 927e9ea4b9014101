import shutil

import numpy as np
import pytest
import torch
from diffusers import ControlNetModel, StableDiffusionPipeline
from peft import LoraConfig, get_peft_model_state_dict
from PIL import Image
from tiny import save_base

from s2i import adapters, cli, images

PARAMS = """
base: {base}
controlnet: {base}/controlnet
rank: 2
resolution: 64
precision: fp32
train: {{steps: 1, batch_size: 1, learning_rate: 1.0e-4}}
generate: {{steps: 2}}
"""


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A folder with parameters, a trained model and a sketch."""
    save_base(tmp_path / "models/trained")
    (tmp_path / "params.yaml").write_text(PARAMS.format(base=tmp_path / "models/trained"))
    sketch = np.full((100, 140, 3), 255, np.uint8)
    sketch[30:32, 20:120] = 0
    Image.fromarray(sketch).save(tmp_path / "my sketch.png")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_sketch_becomes_a_picture_of_its_name(project, capsys):
    cli.main(["generate", "my sketch.png", "--prompt", "red house", "--out", "pictures"])
    assert images.read(project / "pictures/my sketch.png").shape == (64, 64, 3)
    assert capsys.readouterr().out.strip() == "pictures/my sketch.png"


def test_the_seed_decides_the_picture(project):
    for folder, seed in (("a", "1"), ("b", "1"), ("c", "2")):
        cli.main(["generate", "my sketch.png", "--out", folder, "--seed", seed])
    first, same, other = (images.read(project / folder / "my sketch.png") for folder in "abc")
    assert (first == same).all() and (first != other).any()


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (
            ["my sketch.png", "--model", "nowhere"],
            "s2i generate: nowhere holds no trained model: run `dvc repro` first",
        ),
        (["params.yaml"], "s2i generate: params.yaml cannot be read: "),
        (["absent.png"], "s2i generate: absent.png cannot be read: "),
    ],
)
def test_what_cannot_be_drawn_is_one_clear_sentence(project, arguments, sentence):
    with pytest.raises(SystemExit) as end:
        cli.main(["generate", *arguments])
    assert str(end.value).startswith(sentence)


def test_sketches_of_one_name_do_not_overwrite_each_other(project):
    (project / "more").mkdir()
    Image.open("my sketch.png").rotate(90).save(project / "more/my sketch.png")
    with pytest.raises(SystemExit, match="two sketches are named 'my sketch'"):
        cli.main(["generate", "my sketch.png", "more/my sketch.png"])


@pytest.mark.parametrize(
    ("trained", "named", "sentence"),
    [
        (1, "sketch, edges", "was trained with fewer conditions than params.yaml names"),
        (2, "sketch", "was trained with more conditions than params.yaml names"),
    ],
)
def test_a_model_of_other_conditions_is_one_clear_sentence(project, trained, named, sentence):
    if trained == 2:
        shutil.copytree(project / "models/trained/controlnet", project / "models/trained/controlnet_1")
    with open("params.yaml", "a") as params:
        params.write(f"conditions: [{named}]\n")
    with pytest.raises(SystemExit, match=sentence):
        cli.main(["generate", "my sketch.png"])


def test_everything_that_was_trained_is_exported(project, capsys):
    base = StableDiffusionPipeline.from_pretrained(project / "models/trained")
    base.unet.add_adapter(LoraConfig(r=2, lora_alpha=1, target_modules=["to_q"]))
    state = get_peft_model_state_dict(base.unet)
    base.save_lora_weights(project / "models/trained/unet_lora", state)
    shutil.copytree(project / "models/trained", project / "models/trained_more")
    shutil.rmtree(project / "models/trained/controlnet")
    (project / "params.yaml").write_text(PARAMS.format(base=project / "models/trained_more"))
    cli.main(["export", "--model", "models/trained", "--out", "unet-alone"])
    assert [path.name for path in (project / "unet-alone").rglob("*.*")] == ["unet_lora.safetensors"]
    trained = ControlNetModel.from_pretrained(project / "models/trained_more/controlnet")
    trained.mid_block.attentions[0].proj_in.weight.data += 0.1
    trained.save_pretrained(project / "models/trained/controlnet")
    cli.main(["export", "--model", "models/trained", "--names", "diffusers", "--rank", "3", "--out", "both"])
    wanted = ["lora/pytorch_lora_weights.safetensors", "unet_lora/pytorch_lora_weights.safetensors"]
    written = sorted((project / "both").rglob("*.*"))
    assert [path.relative_to(project / "both").as_posix() for path in written] == wanted
    assert "controlnet: LoRA of rank 3 keeps" in capsys.readouterr().out


def test_a_checkpoint_from_elsewhere_is_imported_and_draws(project, capsys):
    torch.manual_seed(1)
    state = {}
    for name, module in ControlNetModel.from_pretrained(project / "models/trained/controlnet").named_modules():
        if name.endswith(adapters.PROJECTIONS):
            state |= {f"{name}.original.weight": module.weight.detach() + 0.1}
            state |= {f"{name}.lora_A": torch.randn(3, module.in_features)}
            state |= {f"{name}.lora_B": torch.randn(module.out_features, 3)}
    torch.save(state, project / "theirs.pth")
    cli.main(["import", "theirs.pth", "--out", "models/imported"])
    assert "models/imported: modified LoRA of rank 3" in capsys.readouterr().out
    for folder, model in (("before", "models/trained"), ("after", "models/imported")):
        cli.main(["generate", "my sketch.png", "--model", model, "--out", folder])
    before, after = (images.read(project / folder / "my sketch.png") for folder in ("before", "after"))
    assert (before != after).any()
