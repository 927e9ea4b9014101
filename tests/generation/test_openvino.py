import re
import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
import torch
from diffusers.models.controlnets.multicontrolnet import MultiControlNetModel

from s2i.core import records
from s2i.core.errors import UserError
from s2i.core.params import Generate
from s2i.diffusion import base, sampling
from s2i.diffusion.sampling import SamplingSettings
from s2i.generation import find_model
from s2i.generation.engines import available, conversion, openvino
from s2i.generation.model import SketchToImage
from s2i.imaging import io

LINES = np.zeros((64, 64), np.uint8)
LINES[::4] = 255
SETTINGS = Generate(steps=4, guidance_scale=3.0, scheduler="ddim")
PARAMS = "{{base: {base}, controlnet: none, rank: 2, resolution: 64, precision: fp32, train: {train}}}"
int8 = pytest.mark.skipif(not find_spec("nncf"), reason="nncf is not installed: pip install -e '.[int8]'")


@pytest.fixture
def loaded(tiny_base, monkeypatch):
    """loaded(calibrated=None, ...) is a pipeline on torch, or on OpenVINO where that is True or False."""
    monkeypatch.setenv("S2I_CACHE", str(tiny_base / "cache"))  # converting takes seconds

    def loaded(calibrated=None, nets=1, dtype=torch.float32, **config):
        controlnet = base.load_controlnet(*[tiny_base / "controlnet"] * nets, dtype=dtype)
        if config:
            controlnet.register_to_config(**config)
        pipeline = base.load(tiny_base, controlnet, dtype)
        pipeline.set_progress_bar_config(disable=True)
        if calibrated is not None:
            calibrate = (lambda: draw(pipeline, steps=2, nets=nets)) if calibrated else None
            openvino.install(pipeline, 64, calibrate, "tiny", nets, config)
        return pipeline

    return loaded


def draw(pipeline, seeds=(5,), nets=1, **changes):
    control_images = [[LINES if seed % 2 else LINES.T.copy()] * nets for seed in seeds]
    prompts = [f"house {seed}" for seed in seeds]
    settings = SamplingSettings.from_params(SETTINGS.model_copy(update=changes), 64)
    return np.stack(list(sampling.generate(pipeline, prompts, seeds, settings, control_images=control_images))).astype(
        int
    )


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"control_interval": (0.0, 0.5)},
        {"conditioning_scale": 0.5},
        {"control_guidance_scale": 3.0},
        {"control_guidance_scale": 2.0, "negative_prompt": "tower"},
    ],
)
def test_openvino_draws_what_torch_draws(loaded, changes):
    assert np.abs(draw(loaded(False), **changes) - draw(loaded(), **changes)).max() <= 1


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_weight_files_that_openvino_has_copied_take_no_memory(loaded, tiny_base):
    pipeline = loaded(False)
    draw(pipeline)
    memory = Path("/proc/self/smaps").read_text(encoding="utf-8")
    mapped = re.findall(rf"{tiny_base}/\S+\.bin\n(?:\w+: .*\n)*?Rss: +(\d+) kB", memory)
    assert mapped and not any(map(int, mapped))


def test_the_effects_of_several_controlnets_add_up(loaded):
    theirs, ours = loaded(nets=2), loaded(False, nets=2)
    assert isinstance(theirs.controlnet, MultiControlNetModel) and len(ours.controlnet.nets) == 2
    assert np.abs(draw(ours, nets=2) - draw(theirs, nets=2)).max() <= 1


def test_bf16_is_close(loaded):
    pipeline = loaded(False, dtype=torch.bfloat16)
    assert pipeline.unet.dtype == torch.bfloat16
    assert np.abs(draw(pipeline) - draw(loaded())).mean() < 3


def test_a_controlnet_may_want_its_channels_turned(loaded):
    order = {"controlnet_conditioning_channel_order": "bgr"}
    assert np.abs(draw(loaded(False, **order)) - draw(loaded(**order))).max() <= 1


@int8
def test_int8_is_close(loaded):
    images = draw(loaded(), [1, 2, 3])
    drawn = draw(loaded(True), [1, 2, 3])
    between = np.abs(images[0] - images[1]).mean()
    assert 0 < np.abs(drawn - images).mean() < between / 5


@pytest.mark.parametrize("calibrated", [False, pytest.param(True, marks=int8)])
def test_an_image_does_not_depend_on_its_batch(loaded, calibrated):
    pipeline = loaded(calibrated)
    among = draw(pipeline, [1, 2, 3])
    for number, seed in enumerate([1, 2, 3]):
        assert np.abs(draw(pipeline, [seed])[0] - among[number]).max() <= 2


@pytest.mark.parametrize("calibrated", [False, pytest.param(True, marks=int8)])
def test_converted_models_are_kept(loaded, calibrated, monkeypatch):
    drawn = draw(loaded(calibrated))
    monkeypatch.setattr(conversion, "convert", None)
    assert (draw(loaded(calibrated)) == drawn).all()


@pytest.fixture
def project(tiny_base, tmp_path, monkeypatch):
    """A folder with params.yaml and a trained model."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("S2I_CACHE", str(tiny_base / "cache"))
    (tmp_path / "params.yaml").write_text(
        PARAMS.format(base=tiny_base, train="{steps: 1, batch_size: 1, learning_rate: 1.0e-3}")
    )
    (tmp_path / "models/trained").mkdir(parents=True)
    (tmp_path / "models/trained/controlnet").symlink_to(tiny_base / "controlnet")
    return tmp_path


def image(model):
    settings = Generate(steps=2)
    *_, last = model.denoise([255 - LINES], "house", [1], settings)
    return model.images(last, [255 - LINES], "house", [1], settings)[0]


def test_a_model_says_which_engine_drew(project):
    ours, theirs = (
        image(SketchToImage(find_model.find(), engine="openvino")),
        image(SketchToImage(find_model.find())),
    )
    assert (ours.parameters["engine"], theirs.parameters["engine"]) == ("openvino", "torch")
    assert np.abs(ours.image.astype(int) - theirs.image).max() <= 1


@int8
def test_int8_is_calibrated_on_training_sketches(project, house, capsys):
    with pytest.raises(UserError, match=r"calibrated on training sketches, and data/augmented has none: run `dvc rep"):
        SketchToImage(find_model.find(), engine="openvino-int8")
    rows = []
    for number, split in enumerate(["train", "train", "test"]):
        photo = io.resize_and_crop(house(number), 64)
        row = {"id": f"{number:016x}", "split": split, "prompt": f"house {number}", "flip": False, "variant": 0}
        row |= {"photo": str(project / f"{number}.png"), "sketch": str(project / f"{number}-sketch.png")}
        io.write_png(project / row["photo"], photo)
        io.write_png(project / row["sketch"], io.grey(photo))
        rows.append(row)
    records.write(rows, project / "data/augmented")
    assert [one["id"] for one in conversion.calibration_examples()] == [row["id"] for row in rows[:2]]
    drawn = image(SketchToImage(find_model.find(), engine="openvino-int8"))
    assert drawn.image.shape == (64, 64, 3) and drawn.parameters["engine"] == "openvino-int8"
    assert not capsys.readouterr().out, "what nncf says of its progress stands beside what a command prints"


def test_openvino_and_nncf_cannot_tell_their_makers_what_they_do():
    with pytest.raises(ImportError):
        import openvino_telemetry  # noqa: F401


@pytest.mark.parametrize(
    ("told", "sentence"),
    [
        (("onnx", "auto", False), "--engine is 'onnx', which does not exist; take torch, openvino, openvino-int8"),
        (("openvino", "cuda", False), "device is 'cuda', and --engine openvino computes on the CPU; use 'cpu'"),
        (("openvino", "cpu", True), "--compile is torch's, and --engine openvino computes without torch"),
    ],
)
def test_an_engine_that_cannot_be_is_one_clear_sentence(told, sentence):
    with pytest.raises(UserError, match=sentence):
        available.check(*told)


def test_a_missing_nncf_is_one_clear_sentence(monkeypatch):
    monkeypatch.setattr(available, "find_spec", lambda name: None)
    with pytest.raises(UserError, match=r"nncf is not installed: `pip install -e '.\[int8\]'` installs what --engine"):
        available.check("openvino-int8", "auto", False)
