from pathlib import Path

import pytest
import yaml

from s2i.cli import presets
from s2i.core import params_file
from s2i.core.errors import UserError

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


def test_the_published_setup_of_modified_lora_is_shown_as_a_change(file):
    changed = presets.apply("sd15", file)
    assert "+rank: 512" in changed and "-rank: 64" in changed and "+  learning_rate: 5" in changed
    assert presets.apply("sd15", file) == ""


def test_demo_is_what_a_fresh_clone_has(file):
    presets.apply("sd15", file)
    presets.apply("demo", file)
    assert params_file.load(file) == params_file.load(OURS)


def test_an_unknown_preset_is_one_clear_sentence(file):
    with pytest.raises(UserError, match=r"there is no preset 'sd15-8g'; did you mean 'sd15-8gb'\?"):
        presets.apply("sd15-8g", file)
