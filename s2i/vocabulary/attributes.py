"""The attributes of a photo of a building: their names, the type of their values, and their values as words."""

from collections.abc import Mapping

# In the order of photos.csv, of the records' columns and of the random draws that word a prompt.
TYPES: dict[str, type] = {
    "structure": str,
    "color": str,
    "material": str,
    "style": str,
    "view": str,
    "roof": str,
    "curved": bool,
    "glass": bool,
    "windows": int,
    "balconies": int,
}
TEXTS = tuple(name for name, kind in TYPES.items() if kind is str)
FLAGS = tuple(name for name, kind in TYPES.items() if kind is bool)
COUNTS = tuple(name for name, kind in TYPES.items() if kind is int)
PARTS = tuple(name for name in TYPES if name != "windows")  # of a prompt
PROBED = tuple(name for name in PARTS if name != "color")  # read off photos by probes; wall_colors names the colour
MAIN_PARTS = ("structure", "color", "material")  # that a plain caption names, and people are asked for
YES_OR_NO = tuple(name for name in PROBED if TYPES[name] is not str)  # what probes answer with yes or no


def in_one_word(values: Mapping, name: str) -> str:
    """The value of an attribute in lower case; "yes" or "no" where it is a flag or a count."""
    return ("yes" if values[name] else "no") if name in YES_OR_NO else str(values[name]).strip().lower()


def words_by_part(values: Mapping) -> dict[str, str]:
    """{part: word} of values by attribute, in lower case.

    A flag or a count becomes the name of the part, and is left out where it is false or 0.
    """
    known = {part: values[part] for part in PARTS if values.get(part)}
    return {part: value.strip().lower() if isinstance(value, str) else part for part, value in known.items()}


def given_parts(record: Mapping) -> dict[str, str]:
    """{part: word} of what photos.csv says of a photo; where it names no structure, the photo's class stands for it."""
    structure = record.get("structure") or label_in_words(record.get("label") or "")
    return words_by_part({**record, "structure": structure})


def label_in_words(label: str) -> str:
    """The name of a class as people write it: car_(sedan) is "car (sedan)"."""
    return label.replace("_", " ")
