from pathlib import Path

import pytest
import torch
import yaml
from diffusers.optimization import get_cosine_schedule_with_warmup

from s2i.cli import presets
from s2i.core import params_file
from s2i.core.errors import UserError
from s2i.dataset.ingest.splits import splits_of

OURS = Path(__file__).parents[2] / "params.yaml"


@pytest.fixture
def file(tmp_path):
    (tmp_path / "params.yaml").write_text(OURS.read_text(encoding="utf-8"), encoding="utf-8")
    return tmp_path / "params.yaml"


@pytest.mark.parametrize("name", yaml.safe_load(presets.FILE.read_text()))
def test_a_preset_sets_what_it_says_and_keeps_the_comments(file, name):
    changed = presets.apply(name, file)
    tree = params_file.load(file).model_dump()
    for key, value in yaml.safe_load(presets.FILE.read_text())[name].items():
        parts = value if isinstance(value, dict) else {None: value}
        assert all((tree[key] if part is None else tree[key][part]) == wanted for part, wanted in parts.items())
    comments = [line.partition("#")[2] for line in OURS.read_text().splitlines() if "#" in line]
    assert all(comment in file.read_text() for comment in comments)
    assert bool(changed) == (name != "demo")


def test_sd15_is_the_published_setup_value_by_value(file):
    """Of the notebook that the published modified LoRA was trained with."""
    presets.apply("sd15", file)
    params = params_file.load(file)
    assert params.base == "stable-diffusion-v1-5/stable-diffusion-v1-5"
    assert params.controlnet == "lllyasviel/sd-controlnet-canny"
    assert (params.resolution, params.adapter, params.rank, params.train.alpha) == (512, "modified", 512, 1)
    assert params.conditions == ["drawing"], "its control images are dark on light"
    assert (params.train.steps, params.train.batch_size, params.train.accumulate) == (2000, 4, 1)
    assert (params.train.learning_rate, params.train.warmup_steps) == (5e-5, 0)
    assert params.train.adapter_learning_rate is None, "W0 and dW learn at one rate"
    assert params.train.weight_decay == 1e-3 and params.train.optimizer == "adamw"
    assert params.train.ema_decay == 0 and params.train.snr_gamma is None
    assert (params.train.unet_rank, params.train.encoder_blocks, params.train.edge.weight) == (0, 0, 0)
    assert params.train.patience is None, "it trains to the end"
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=params.train.learning_rate)
    ours = get_cosine_schedule_with_warmup(optimizer, params.train.warmup_steps, params.train.steps)
    assert [ours.lr_lambdas[0](step) for step in (0, 1000, 2000)] == pytest.approx([1, 0.5, 0])
    assert presets.apply("sd15", file) == ""


def test_sd15_photos_is_what_few_photos_need(file):
    presets.apply("sd15-photos", file)
    params = params_file.load(file)
    train = params.train
    assert (train.ema_decay, train.snr_gamma, train.control_dropout) == (0.999, 5, 0.1)
    assert train.unet_rank > 0 and params.augment.crops > 1 and params.augment.zoom < 1
    assert train.patience and train.validation_images
    presets.apply("sd15-photos-8gb", file)
    small = params_file.load(file).train
    differing = {name for name, value in small.model_dump().items() if value != train.model_dump()[name]}
    assert differing == {"accumulate", "gradient_checkpointing", "optimizer"}


@pytest.mark.parametrize("name", ["sd15", "sd15-photos", "sd15-photos-8gb"])
def test_presets_for_own_photos_test_with_15_to_20_percent_and_validate_with_three_at_least(file, name):
    presets.apply(name, file)
    ingest = params_file.load(file).ingest
    assert 0.15 <= ingest.test <= 0.2
    for count in range(20, 60):
        splits = splits_of([{"id": f"{number:016x}"} for number in range(count)], 0, ingest)
        assert splits.count("val") >= 3 and 0.13 < splits.count("test") / count < 0.22


def test_every_preset_sets_the_same_keys_so_that_none_leaves_a_trace(file):
    def keys(values):
        return {(key, name) for key, value in values.items() for name in (value if isinstance(value, dict) else [None])}

    named = yaml.safe_load(presets.FILE.read_text())
    assert len({frozenset(keys(values)) for values in named.values()}) == 1


def test_a_preset_of_old_is_refused_with_its_new_name(file):
    with pytest.raises(UserError, match=r"the preset 'sd15-8gb' is now 'sd15-photos-8gb'"):
        presets.apply("sd15-8gb", file)


def test_demo_is_what_a_fresh_clone_has(file):
    presets.apply("sd15", file)
    presets.apply("demo", file)
    assert params_file.load(file) == params_file.load(OURS)


def test_an_unknown_preset_is_one_clear_sentence(file):
    with pytest.raises(UserError, match=r"there is no preset 'sd15-photo'; did you mean 'sd15-photos'\?"):
        presets.apply("sd15-photo", file)
