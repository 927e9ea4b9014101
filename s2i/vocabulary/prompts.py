"""What an image is called: the plain grammar, and wordings drawn at random from wordings.yaml beside this file."""

import re
from collections.abc import Mapping
from functools import cache

import numpy as np
from PIL import ImageColor

from s2i.vocabulary import wordings
from s2i.vocabulary.attributes import PARTS
from s2i.vocabulary.buildings import COLORS, MATERIALS

GRAMMAR = "{structure}[ of {color}][ made of {material}]"


def plain(fields: Mapping) -> str:
    """The caption grammar: "house of red made of brick"; unknown colours and materials are left out.

    fields: a record, or any mapping with some of `PARTS`; an unknown structure is a "building".
    """
    return _fill(GRAMMAR, _prompt_words(fields))


def randomised(fields: Mapping, rng: np.random.Generator, empty: float, drop_part: float, synonym: float) -> str:
    """One of many ways to say the same, drawn from wordings.yaml; short, lower case.

    fields: as for `plain`.  empty: share of prompts that are "".  drop_part: share of known parts left out.
    synonym: share of parts said with another word.
    """
    if rng.random() < empty:
        return ""
    words = _prompt_words(fields)
    words = {part: word for part, word in words.items() if part == "structure" or rng.random() >= drop_part}
    for part, word in words.items():
        others = wordings.other_words(part, word)
        if others and rng.random() < synonym:
            words[part] = str(rng.choice(others))
    templates = [template for template in wordings.templates() if _required_parts(template) <= words.keys()]
    return _fill(str(rng.choice(templates)), words)


def mirrored(fields: Mapping) -> dict:
    """The fields of the mirrored image: left is right."""
    view = fields.get("view")
    return {**fields, "view": {"left": "right", "right": "left"}.get(view or "", view)}


def colors_and_materials_in(prompt: str) -> dict[str, str]:
    """The colour and the material that a prompt names, by their own words or by synonyms: {"color", "material"}.

    Where it names several of a kind, the first one counts, and of two that begin alike the longer one.
    """
    lower_case = prompt.lower()
    named = {}
    for part, names in _names_by_word().items():
        matches = [(match, name) for word, name in names.items() if (match := re.search(rf"\b{word}\b", lower_case))]
        if matches:
            _, named[part] = min(matches, key=lambda match_and_name: _position(match_and_name[0]))
    return named


def _position(match: re.Match) -> tuple[int, int]:
    return match.start(), -len(match[0])


@cache
def _names_by_word() -> dict[str, dict[str, str]]:
    """For colours and materials, each word that a prompt may use, and the name that it stands for."""
    css = {name: name for name in ImageColor.colormap}
    return {
        "color": css | {name: name for name in COLORS} | wordings.synonyms("color"),
        "material": {name: name for name in MATERIALS} | wordings.synonyms("material"),
    }


def _prompt_words(fields: Mapping) -> dict[str, str]:
    """{part: word} of what is known: text as prompts say it, a flag or a count as the name of its part."""
    words = {"structure": "building"}
    for part in PARTS:
        value = fields.get(part)
        if isinstance(value, str) and value.strip():
            words[part] = wordings.prompt_word(part, value.strip().lower())
        elif value and not isinstance(value, str):
            words[part] = part
    return words


@cache
def _required_parts(template: str) -> frozenset[str]:
    """The parts that a template cannot do without: those outside brackets."""
    return frozenset(re.findall(r"{(\w+)}", re.sub(r"\[.*?\]", "", template)))


def _fill(template: str, words: Mapping[str, str]) -> str:
    """The template with words in the place of parts, without the brackets whose parts have no word."""

    def optional(bracket: re.Match) -> str:
        return bracket[1] if _required_parts(bracket[1]) <= words.keys() else ""

    sentence = re.sub(r"\[(.*?)\]", optional, template).format_map(words)
    return re.sub(r"\ba (?=[aeiou])", "an ", sentence)
