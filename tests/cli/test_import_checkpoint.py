import json

import numpy as np
import pytest
import torch
from diffusers import ControlNetModel
from PIL import Image

from s2i import cli
from s2i.core import params_file
from s2i.diffusion import adapters
from s2i.generation import find_model, user_sketch
from s2i.imaging import io


@pytest.fixture
def checkpoint(project):
    """A modified-LoRA checkpoint in the project's folder."""
    torch.manual_seed(1)
    state = {}
    for name, module in ControlNetModel.from_pretrained(project / "models/trained/controlnet").named_modules():
        if name.endswith(adapters.PROJECTIONS):
            state |= {f"{name}.original.weight": module.weight.detach() + 0.1}
            state |= {f"{name}.lora_A": torch.randn(3, module.in_features)}
            state |= {f"{name}.lora_B": torch.randn(module.out_features, 3)}
    torch.save(state, project / "theirs.pth")
    return "theirs.pth"


def test_a_checkpoint_from_elsewhere_is_imported_and_draws(project, checkpoint, capsys):
    cli.main(["import", checkpoint, "--out", "models/imported"])
    assert "models/imported: modified LoRA of rank 3" in capsys.readouterr().out
    for folder, model in (("before", "models/trained"), ("after", "models/imported")):
        cli.main(["generate", "my sketch.png", "--model", model, "--out", folder])
    before, after = (io.read(project / folder / "my sketch.png") for folder in ("before", "after"))
    assert (before != after).any()


def test_what_a_checkpoint_saw_of_sketches_travels_with_it(project, checkpoint):
    paper = np.full((96, 96, 3), (240, 228, 205), np.uint8)  # tinted
    paper[30:34, 20:80], paper[60:70, 40:60] = 40, (190, 70, 50)
    Image.fromarray(paper).save("drawing.png")
    cli.main(["import", checkpoint, "--out", "models/drawings"])
    cli.main(["import", checkpoint, "--out", "models/inverted", "--condition", "sketch"])
    assert params_file.load().conditions == ["sketch"]
    from s2i.generation.model import SketchToImage

    seen = {}
    for name in ("drawings", "inverted"):
        model = SketchToImage(find_model.find(f"models/{name}"))
        seen |= model.control_images(user_sketch.read(project / "drawing.png", model.params, 10), "house")
    expected = io.resize_and_crop(paper, 64).astype(int)
    assert np.abs(seen["drawing"] - expected).max() <= 1, "dark lines on light, tinted paper"
    assert np.median(seen["sketch"]) == 0 and seen["sketch"].max() > 150, "light lines on black"
    for name in ("drawings", "inverted"):
        cli.main(["generate", "drawing.png", "--model", f"models/{name}", "--out", name])
    assert (io.read(project / "drawings/drawing.png") != io.read(project / "inverted/drawing.png")).any()


def test_conditions_that_a_model_brings_along_are_checked(project, checkpoint):
    cli.main(["import", checkpoint, "--out", "models/imported"])
    (project / "models/imported/generate.json").write_text(json.dumps({"conditions": ["crayon"]}))
    with pytest.raises(SystemExit, match=r"settings: conditions.0 is 'crayon', but input should be 'sketch', 'edges'"):
        cli.main(["generate", "my sketch.png", "--model", "models/imported"])
