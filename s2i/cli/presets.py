"""Settings that belong together, written into params.yaml with its comments kept."""

from collections.abc import Mapping
from difflib import unified_diff
from io import StringIO
from pathlib import Path

from ruamel.yaml import YAML

from s2i.core import params_file
from s2i.core.errors import UserError, hint
from s2i.core.files import whole_file

RENAMED = {"sd15-8gb": "sd15-photos-8gb"}
FILE = Path(__file__).with_name("presets.yaml")


def apply(name: str, file: Path) -> str:
    """Write the preset of that name into a parameter file; what changed, as a unified diff, "" for nothing.

    Raises UserError when there is no such preset, or when the file is no parameter file.
    """
    presets = YAML(typ="safe").load(FILE)
    if name in RENAMED:
        raise UserError(f"the preset '{name}' is now '{RENAMED[name]}'.")
    if name not in presets:
        raise UserError(f"there is no preset '{name}'; {hint(name, presets)}")
    current = params_file.load(file).model_dump()
    yaml = YAML()
    yaml.representer.add_representer(type(None), lambda to, _: to.represent_scalar("tag:yaml.org,2002:null", "null"))
    yaml.width, yaml.preserve_quotes = 4096, True
    before = file.read_text(encoding="utf-8")
    tree = yaml.load(before)
    _set(tree, presets[name], current)
    text = StringIO()
    yaml.dump(tree, text)
    with whole_file(file) as draft:
        draft.write_text(text.getvalue(), encoding="utf-8")
    params_file.load(file)
    return "".join(unified_diff(before.splitlines(True), text.getvalue().splitlines(True), str(file), name, n=0))


def _set(tree, values: Mapping, current: Mapping) -> None:
    """Write what differs from the current values, those that stand in no line of the file among them."""
    for key, value in values.items():
        if isinstance(value, Mapping):
            changed = {name for name in value if current[key][name] != value[name]}
            if changed:
                _set(tree.setdefault(key, {}), value, current[key])
        elif current[key] != value:
            tree[key] = value
