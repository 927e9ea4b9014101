import torch
from diffusers import ControlNetModel

from s2i import cli
from s2i.diffusion import adapters
from s2i.imaging import io


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
    before, after = (io.read(project / folder / "my sketch.png") for folder in ("before", "after"))
    assert (before != after).any()
