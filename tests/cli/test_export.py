import shutil

from diffusers import ControlNetModel, StableDiffusionPipeline
from helpers.files import PARAMS
from peft import LoraConfig, get_peft_model_state_dict

from s2i import cli


def test_everything_that_was_trained_is_exported(project, capsys):
    base = StableDiffusionPipeline.from_pretrained(project / "models/trained")
    base.unet.add_adapter(LoraConfig(r=2, lora_alpha=1, target_modules=["to_q"]))
    state = get_peft_model_state_dict(base.unet)
    base.save_lora_weights(project / "models/trained/unet_lora", state)
    shutil.copytree(project / "models/trained", project / "models/trained_more")
    shutil.rmtree(project / "models/trained/controlnet")
    (project / "params.yaml").write_text(PARAMS.format(base=project / "models/trained_more"))
    cli.main(["export", "--model", "models/trained", "--out", "unet-alone"])
    assert [path.name for path in (project / "unet-alone").rglob("*.safetensors")] == ["unet_lora.safetensors"]
    trained = ControlNetModel.from_pretrained(project / "models/trained_more/controlnet")
    trained.mid_block.attentions[0].proj_in.weight.data += 0.1
    trained.save_pretrained(project / "models/trained/controlnet")
    cli.main(["export", "--model", "models/trained", "--names", "diffusers", "--rank", "3", "--out", "both"])
    wanted = ["lora/pytorch_lora_weights.safetensors", "unet_lora/pytorch_lora_weights.safetensors"]
    written = sorted((project / "both").rglob("*.safetensors"))
    assert [path.relative_to(project / "both").as_posix() for path in written] == wanted
    assert "controlnet: LoRA of rank 3 keeps" in capsys.readouterr().out
