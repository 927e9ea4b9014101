"""The attributes of a photo of a building: their names, and the words that captions have for their values."""

from collections.abc import Mapping

from s2i.vocabulary import prompts

NAMES = ("structure", "material", "style", "view", "roof", "curved", "glass", "balconies")  # what the corpus knows
YES_OR_NO = ("curved", "glass", "balconies")


def stated(row: dict, name: str) -> str:
    """An attribute as a word: yes or no where it is counted or a flag."""
    return ("yes" if row[name] else "no") if name in YES_OR_NO else str(row[name]).strip().lower()


def given(record: Mapping) -> dict[str, str]:
    """The parts that photos.csv names; a class stands for the structure, "car (sedan)" for car_(sedan)."""
    structure = record.get("structure") or (record.get("label") or "").replace("_", " ")
    return words_of(record | {"structure": structure})


def words_of(values: Mapping) -> dict[str, str]:
    """{part: word} of values by part, in lower case; a flag or a count becomes the name of the part, or nothing."""
    known = {part: values[part] for part in prompts.PARTS if values.get(part)}
    return {part: value.strip().lower() if isinstance(value, str) else part for part, value in known.items()}


SAID = {"view": {"front": "centre"}}  # words for a column's values, as in wordings.yaml


def usual(name: str, value: str | bool | None) -> str | bool | None:
    """A value by the word that captions have for it: timber is wood, and what is said to be the front the centre."""
    value = value.strip().lower() if isinstance(value, str) else value
    return SAID.get(name, prompts.synonyms(name)).get(value, value)
