"""What an image is called: the plain grammar, and wordings drawn at random from wordings.yaml beside this file."""

import re
from collections.abc import Mapping
from functools import cache as once
from pathlib import Path

import numpy as np
import yaml
from PIL import ImageColor

from s2i.vocabulary.buildings import COLORS, MATERIALS

GRAMMAR = "{structure}[ of {color}][ made of {material}]"
PARTS = ("structure", "color", "material", "style", "view", "roof", "curved", "glass", "balconies")


def plain(fields: Mapping) -> str:
    """The caption grammar: "house of red made of brick"; unknown colours and materials are left out.

    fields: a record, or any mapping with some of `PARTS`; an unknown structure is a "building".
    """
    return _filled(GRAMMAR, _words(fields))


def randomised(fields: Mapping, rng: np.random.Generator, empty: float, drop_part: float, synonym: float) -> str:
    """One of many ways to say the same, drawn from the wordings in wordings.yaml; short, lower case.

    fields: as for `plain`.  empty: share of prompts that are "".  drop_part: share of known parts left out.
    synonym: share of parts said with another word.
    """
    if rng.random() < empty:
        return ""
    wordings = _wordings()
    words = {part: word for part, word in _words(fields).items() if part == "structure" or rng.random() >= drop_part}
    for part, word in words.items():
        others = wordings["synonyms"].get(part, {}).get(word)
        if others and rng.random() < synonym:
            words[part] = str(rng.choice(others))
    templates = [template for template in wordings["templates"] if _required(template) <= words.keys()]
    return _filled(str(rng.choice(templates)), words)


def mirrored(fields: Mapping) -> dict:
    """The fields of the mirrored image: left is right."""
    view = fields.get("view")
    return {**fields, "view": {"left": "right", "right": "left"}.get(view, view)}


def synonyms(part: str) -> dict[str, str]:
    """For the other words of a part, such as a colour, the word that captions use: {"crimson": "red"}."""
    return {other: word for word, others in _wordings()["synonyms"].get(part, {}).items() for other in others}


@once
def _wordings() -> dict:
    return yaml.safe_load(Path(__file__).with_name("wordings.yaml").read_text(encoding="utf-8"))


def _words(fields: Mapping) -> dict[str, str]:
    """The known parts as words: text as it is said, yes-or-no and counted parts by their name."""
    words = {"structure": "building"}
    for part in PARTS:
        value = fields.get(part)
        if isinstance(value, str) and value.strip():
            value = value.strip().lower()
            words[part] = _wordings()["said"].get(part, {}).get(value, value)
        elif value and not isinstance(value, str):
            words[part] = part
    return words


@once
def _required(template: str) -> frozenset[str]:
    """The parts that a template cannot do without: those outside brackets."""
    return frozenset(re.findall(r"{(\w+)}", re.sub(r"\[.*?\]", "", template)))


def _filled(template: str, words: Mapping[str, str]) -> str:
    def optional(bracket: re.Match) -> str:
        return bracket[1] if _required(bracket[1]) <= words.keys() else ""

    sentence = re.sub(r"\[(.*?)\]", optional, template).format_map(words)
    return re.sub(r"\ba (?=[aeiou])", "an ", sentence)


def colors_and_materials_in(prompt: str) -> dict[str, str]:
    """The colour and the material that a prompt names, by their own words or by synonyms: {"color", "material"}."""
    words = prompt.lower()
    found = {}
    for part, names in _vocabulary().items():
        matches = [(match, name) for word, name in names.items() if (match := re.search(rf"\b{word}\b", words))]
        if matches:
            _, found[part] = min(matches, key=lambda one: (one[0].start(), -len(one[0][0])))  # the first, the longest
    return found


@once
def _vocabulary() -> dict[str, dict[str, str]]:
    """For colours and materials: word, and the name it stands for."""
    css = {name: name for name in ImageColor.colormap}
    return {
        "color": css | {name: name for name in COLORS} | synonyms("color"),
        "material": {name: name for name in MATERIALS} | synonyms("material"),
    }


def spoken(label: str) -> str:
    """A class as a word: car_(sedan) is car (sedan)."""
    return label.replace("_", " ")
