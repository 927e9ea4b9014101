import json
import re
import shutil

import pytest
from diffusers import ControlNetModel, UNet2DConditionModel
from helpers.files import write_bomb
from PIL import Image

from s2i import cli
from s2i.imaging import io


def test_a_sketch_becomes_an_image_of_its_name(project, capsys):
    cli.main(["generate", "my sketch.png", "--prompt", "red house", "--out", "images"])
    assert io.read(project / "images/my sketch.png").shape == (46, 64, 3), "in the shape of the sketch"
    assert capsys.readouterr().out.strip() == "images/my sketch.png"


def test_the_seed_decides_the_image(project):
    for folder, seed in (("a", "1"), ("b", "1"), ("c", "2")):
        cli.main(["generate", "my sketch.png", "--out", folder, "--seed", seed])
    first, same, other = (io.read(project / folder / "my sketch.png") for folder in "abc")
    assert (first == same).all() and (first != other).any()


@pytest.mark.parametrize(("name", "more"), [("a.png", []), ("a-1.png", ["a.png", "--images", "2"])])
def test_a_sketch_is_never_overwritten(project, name, more):
    for one in {"a.png", name}:
        (project / one).write_bytes((project / "my sketch.png").read_bytes())
    with pytest.raises(SystemExit, match=f"the image {name} would take the place of a sketch: name another folder"):
        cli.main(["generate", name, *more, "--out", "."])
    assert (project / name).read_bytes() == (project / "my sketch.png").read_bytes()


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["my sketch.png", "--model", "nowhere"], "nowhere holds no trained model: run `make repro` first"),
        (["params.yaml"], "params.yaml cannot be read: not an image"),
        (["absent.png"], "absent.png cannot be read: missing"),
        (["really.pdf.png"], "really.pdf.png cannot be read: not an image"),
        (["bomb.png"], "bomb.png cannot be read: more than 100 megapixels"),
        (["white.png"], "white.png shows no strokes: draw something first"),
        (["empty"], "empty holds no sketches: put image files into it"),
        (["my sketch.png", "--steps", "0"], "settings: steps is 0, but input should be greater than or equal to 1"),
        (["my sketch.png", "--scheduler", "magic"], "settings: scheduler is 'magic', but input should be 'ddim', "),
        (["my sketch.png", "--prompt", "a" * 100_000], "the prompt has 100,000 characters; keep it under 2,000"),
        (["my sketch.png", "--prompt", "red\x07 house"], "the prompt holds the control character U+0007; remove it"),
        (["my sketch.png", "--negative-prompt", "a" * 2001], "the negative prompt has 2,001 characters; keep it under"),
        (
            ["my sketch.png", "--negative-prompt", "fog", "--guidance-scale", "1"],
            "settings: negative_prompt is 'fog', but guidance_scale and control_guidance_scale are 1, which turns off",
        ),
        (["my sketch.png", "--prompt", "house", "--color", "red"], "--prompt says all there is to say: leave out"),
        (["my sketch.png", "--images", "0"], "--images is 0; draw at least 1"),
        (["my sketch.png", "--seed", "-1"], "--seed is -1; take one from 0 to "),
        (["my sketch.png", "--tiny-decoder", "models"], "the tiny decoder models could not be loaded: "),
    ],
)
def test_what_cannot_be_drawn_is_one_clear_sentence(project, arguments, sentence):
    (project / "really.pdf.png").write_bytes(b"%PDF-1.7\n%")
    write_bomb(project / "bomb.png")
    Image.new("RGB", (64, 64), "white").save(project / "white.png")
    (project / "empty").mkdir()
    with pytest.raises(SystemExit) as end:
        cli.main(["generate", *arguments])
    assert str(end.value).startswith(f"s2i generate: {sentence}") and "\n" not in str(end.value)
    assert not (project / "drawn").exists()


def test_without_a_training_the_user_is_sent_to_make_repro(project):
    shutil.rmtree(project / "models/trained")
    with pytest.raises(SystemExit, match=r"models/trained holds no trained model: run `make repro` first"):
        cli.main(["generate", "my sketch.png"])


@pytest.mark.parametrize("harm", ["half", "no weights", "no settings"])
def test_a_half_written_model_is_one_clear_sentence(project, harm):
    shutil.copytree(project / "models/trained", project / "models/half")
    weights = project / "models/half/controlnet/diffusion_pytorch_model.safetensors"
    if harm == "half":
        weights.write_bytes(weights.read_bytes()[:1000])
    else:
        (weights if harm == "no weights" else weights.with_name("config.json")).unlink()
    with pytest.raises(SystemExit, match=r"^s2i generate: controlnet: the folder .*half/\w+ (is not a whole|has no)"):
        cli.main(["generate", "my sketch.png", "--model", "models/half"])


def test_a_model_of_another_shape_is_one_clear_sentence(project):
    folder = project / "models/other"
    unet = UNet2DConditionModel.from_pretrained(project / "models/trained/unet")
    wider = UNet2DConditionModel.from_config(unet.config, cross_attention_dim=24)
    ControlNetModel.from_unet(wider, conditioning_embedding_out_channels=(8, 8, 8, 8)).save_pretrained(
        folder / "controlnet"
    )
    with pytest.raises(
        SystemExit, match=r"does not fit the base .*: its cross_attention_dim is 24, the base's 16; set base"
    ):
        cli.main(["generate", "my sketch.png", "--model", "models/other"])


def test_words_beyond_77_tokens_are_named_and_the_image_is_drawn(project, capsys):
    long = "house of red " * 60
    cli.main(["generate", "my sketch.png", "--prompt", long + "with a chimney", "--negative-prompt", long + "in fog"])
    told = capsys.readouterr().err
    for name, end in (("prompt", "with a chimney"), ("negative prompt", "in fog")):
        assert re.search(f'the {name} is over 77 tokens; dropped were the words: ".*{end}"', told)
    assert (project / "drawn/my sketch.png").exists()


def test_folders_are_drawn_whole_and_what_is_broken_in_them_is_told(project, capsys):
    (project / "mine/deep").mkdir(parents=True)
    for name in ("mine/a.png", "mine/deep/a.png"):
        shutil.copy("my sketch.png", name)
    (project / "mine/b.jpg").write_bytes(b"%PDF")
    with pytest.raises(SystemExit, match=r"b\.jpg cannot be read: not an image.*\(1 of 3 sketches"):
        cli.main(["generate", "mine", "--images", "2", "--seed", "3"])
    written = sorted(path.relative_to(project / "drawn").as_posix() for path in (project / "drawn").rglob("*.png"))
    assert written == ["a-3.png", "a-4.png", "deep/a-3.png", "deep/a-4.png"]
    assert capsys.readouterr().out.split() == [f"drawn/{name}" for name in written]


def test_the_image_carries_what_it_was_made_with_and_can_be_made_again(project):
    options = ["--color", "red", "--structure", "tower", "--steps", "3", "--scheduler", "ddim", "--guidance-scale", "2"]
    cli.main(["generate", "my sketch.png", *options, "--seed", "4"])
    with Image.open("drawn/my sketch.png") as image:
        told = json.loads(image.text["parameters"])
    assert told["prompt"] == "tower of red" and told["model"] == "trained"
    assert (told["steps"], told["scheduler"], told["guidance_scale"], told["seed"]) == (3, "ddim", 2, 4)
    again = ["--prompt", told["prompt"], "--steps", "3", "--scheduler", "ddim", "--guidance-scale", "2"]
    cli.main(["generate", "my sketch.png", *again, "--seed", "4", "--out", "again"])
    assert (io.read(project / "again/my sketch.png") == io.read(project / "drawn/my sketch.png")).all()


def test_the_hidden_files_that_a_mac_puts_beside_sketches_are_passed_over(project, capsys):
    (project / "mac").mkdir()
    Image.open("my sketch.png").save(project / "mac/a.png")
    (project / "mac/._a.png").write_bytes(b"\0\5\x16\7" + bytes(80))
    cli.main(["generate", "mac", "--steps", "1"])
    assert capsys.readouterr().out.split() == ["drawn/a.png"]


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
    with open("params.yaml", "a", encoding="utf-8") as params:
        params.write(f"conditions: [{named}]\n")
    with pytest.raises(SystemExit, match=sentence):
        cli.main(["generate", "my sketch.png"])
