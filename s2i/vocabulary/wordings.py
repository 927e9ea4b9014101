"""wordings.yaml: the templates of prompts, and the words that there are for a value."""

from functools import cache
from pathlib import Path

import yaml


@cache
def templates() -> list[str]:
    """Prompts with {part} in the place of a word; what stands in [brackets] can be left out."""
    return _wordings()["templates"]


def prompt_word(part: str, value: str) -> str:
    """What a value is called in a prompt: a view from the "centre" is one from the "front"."""
    return _wordings()["prompt_words"].get(part, {}).get(value, value)


def other_words(part: str, word: str) -> list[str]:
    """The synonyms of a word, such as "crimson" of "red"."""
    return _wordings()["synonyms"].get(part, {}).get(word, [])


def synonyms(part: str) -> dict[str, str]:
    """For each other word of a part, such as a colour, the word that captions use: {"crimson": "red"}."""
    return {other: word for word, others in _wordings()["synonyms"].get(part, {}).items() for other in others}


def canonical(part: str, value: str | bool | None) -> str | bool | None:
    """A value by the word that columns have for it: "Timber" is "wood", and the "front" is the "centre"."""
    if not isinstance(value, str):
        return value
    values = {word: name for name, word in _wordings()["prompt_words"].get(part, {}).items()}
    word = value.strip().lower()
    return (synonyms(part) | values).get(word, word)


@cache
def _wordings() -> dict:
    return yaml.safe_load(Path(__file__).with_name("wordings.yaml").read_text(encoding="utf-8"))
