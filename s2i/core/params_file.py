"""Parameter files read into their typed tree, with one sentence for each wrong key."""

from collections.abc import Mapping
from copy import deepcopy
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError
from pydantic_core import ErrorDetails
from typing_extensions import TypeVar

from s2i.core.errors import UserError
from s2i.core.params import Group, Params

Tree = TypeVar("Tree", bound=Group, default=Params)
RENAMED = {"work.engine": "workers.engine", "work.workers": "workers.count"}
REMOVED = {
    "generate.control_unconditional": "generate.control_guidance_scale takes its place: set that to 1 for true, and to "
    "the same as generate.guidance_scale for false"
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
    try:
        values = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
    except FileNotFoundError:
        raise UserError(f"{path} is missing: run from the project's folder, or restore the file with git.") from None
    except yaml.YAMLError as error:
        raise UserError(f"{path} is not YAML: {' '.join(str(error).split())}.") from None
    if variant is not None:
        variants = values.get("variants") or {}
        if variant not in variants:
            raise UserError(f"{path}: variants has no '{variant}'; it has {', '.join(variants) or 'none'}.")
        values = merged(values, variants[variant] or {})
    if renamed := [key for key in RENAMED if _has(values, key)]:
        raise UserError(" ".join(f"{path}: the key '{key}' is now '{RENAMED[key]}'; rename it." for key in renamed))
    if removed := [key for key in REMOVED if _has(values, key)]:
        raise UserError(" ".join(f"{path}: the key '{key}' is gone; {REMOVED[key]}." for key in removed))
    try:
        return tree.model_validate(values)
    except ValidationError as error:
        raise UserError(" ".join(_sentence(path, tree, problem) for problem in error.errors())) from None


def merged(values: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """A copy of a tree of values with some of them, by dotted key, replaced."""
    tree = deepcopy(dict(values))
    for key, value in changes.items():
        *groups, last = key.split(".")
        branch = tree
        for group in groups:
            branch = branch.setdefault(group, {})
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
    return f"{path}: {key} is {problem['input']!r}, but {reason}."


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
