"""Parameter files read into their typed tree, with one sentence for each wrong key."""

import os
from collections.abc import Mapping
from copy import deepcopy
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails
from typing_extensions import TypeVar

from s2i.core.errors import UserError
from s2i.core.params import Group, Params
from s2i.core.user_files import read_yaml

Tree = TypeVar("Tree", bound=Group, default=Params)
MAX_SHOWN = 120  # characters of a value that is refused
RENAMED = {"work.engine": "workers.engine", "work.workers": "workers.count"}
REMOVED = {
    "generate.control_unconditional": "generate.control_guidance_scale takes its place: set that to 1 for true, and to "
    "the same as generate.guidance_scale for false",
    "caption.empty": "train.prompt_dropout alone says which share of the examples is trained without a prompt",
    "augment.empty_prompt": "train.prompt_dropout alone says which share of the examples is trained without a prompt",
}


def load(
    path: str | Path = "params.yaml",
    tree: type[Tree] = Params,  # type: ignore[assignment]  # the default of the type variable, which mypy overlooks
    variant: str | None = None,
) -> Tree:
    """Read a parameter file into its typed tree.

    variant: one of those that a study's file lists under ``variants``; its settings, by dotted key, replace the
    others.
    Raises UserError when the file is missing, is not YAML or has no such variant, and with one sentence for each key
    that does not exist any more or at all, has a new name or holds a value out of its range.
    """
    path = Path(path)
    if not os.path.lexists(path):
        raise UserError(f"{path} is missing: run from the project's folder, or restore the file with git.")
    values = read_yaml(path) or {}
    if not isinstance(values, dict):
        raise UserError(f"{path} holds {_kind(values)} and no keys: restore the file with git.")
    if variant is not None:
        values = merged(values, _changes(path, values, variant))
    if renamed := [key for key in RENAMED if _has(values, key)]:
        raise UserError(" ".join(f"{path}: the key '{key}' is now '{RENAMED[key]}'; rename it." for key in renamed))
    if removed := [key for key in REMOVED if _has(values, key)]:
        raise UserError(" ".join(f"{path}: the key '{key}' is gone; {REMOVED[key]}." for key in removed))
    try:
        return tree.model_validate(values)
    except ValidationError as error:
        raise UserError(" ".join(_sentence(path, tree, problem) for problem in error.errors())) from None


def _changes(path: Path, values: Mapping[str, Any], variant: str) -> dict[str, Any]:
    """The settings of a variant, by dotted key; raises UserError where there is none."""
    variants = values.get("variants") or {}
    if not isinstance(variants, dict):
        raise UserError(f"{path}: variants is {_kind(variants)}; write each variant's name with its settings.")
    if variant not in variants:
        raise UserError(f"{path}: variants has no '{variant}'; it has {', '.join(map(str, variants)) or 'none'}.")
    changes = variants[variant] or {}
    if not isinstance(changes, dict) or not all(isinstance(key, str) for key in changes):
        raise UserError(f"{path}: variants.{variant} is {_kind(changes)}; write settings as key: value.")
    return changes


def merged(values: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """A copy of a tree of values with some of them, by dotted key, replaced; raises UserError for a key below none."""
    tree = deepcopy(dict(values))
    for key, value in changes.items():
        *groups, last = key.split(".")
        branch = tree
        for group in groups:
            if not isinstance(branch.setdefault(group, {}), dict):
                raise UserError(f"the key '{key}' cannot be set: '{group}' is {_kind(branch[group])} and has no keys.")
            branch = branch[group]
        branch[last] = value
    return tree


def changed(group: Tree, changes: Mapping[str, Any]) -> Tree:
    """A group of parameters with some of them changed; raises UserError, one sentence a key, as `load` does."""
    try:
        return type(group).model_validate(group.model_dump() | dict(changes))
    except ValidationError as error:
        sentences = (_sentence("settings", type(group), problem) for problem in error.errors())
        raise UserError(" ".join(sentences)) from None


def _sentence(path: str | Path, tree: type[Group], problem: ErrorDetails) -> str:
    key = ".".join(str(part) for part in problem["loc"])
    if problem["type"] == "extra_forbidden":
        close = get_close_matches(key, known_keys(tree), n=1, cutoff=0.5)
        return f"{path}: unknown key '{key}'" + (f", did you mean '{close[0]}'?" if close else "; remove it.")
    if problem["type"] == "missing":
        return f"{path}: the key '{key}' is missing; add it."
    reason = str(problem["ctx"]["error"]) if problem["type"] == "value_error" else problem["msg"]
    reason = reason[0].lower() + reason[1:]
    shown = repr(problem["input"])
    if len(shown) > MAX_SHOWN:
        shown = f"{shown[:MAX_SHOWN]}..."
    return f"{path}: {key or 'all together'} is {shown}, but {reason}."


def _kind(value: object) -> str:
    """What YAML calls the type of a value, or nearly so."""
    kinds = {dict: "a table", list: "a list", str: "a text", type(None): "null", bool: "true or false"}
    return kinds.get(type(value), "a number")


def _has(values: object, key: str) -> bool:
    """Whether a tree of values holds something under a dotted key."""
    name, _, rest = key.partition(".")
    return isinstance(values, Mapping) and name in values and (not rest or _has(values[name], rest))


def known_keys(tree: type[Group], prefix: str = "") -> list[str]:
    """Every dotted key of a parameter tree."""
    keys = []
    for name, field in tree.model_fields.items():
        keys.append(prefix + name)
        if isinstance(field.annotation, type) and issubclass(field.annotation, Group):
            keys += known_keys(field.annotation, f"{prefix}{name}.")
    return keys
