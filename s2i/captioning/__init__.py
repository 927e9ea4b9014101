"""What a photo is called: `caption.by` names who is asked, in turn, until somebody knows all of it."""

from collections.abc import Mapping
from pathlib import Path

from s2i import cache, colors, images, prompts
from s2i.attributes import Probes, features
from s2i.fan_out import fan_out
from s2i.params import Caption, Work

SOUGHT = ("structure", "color", "material")
ORIGINS = ("caption", "columns", "attributes", "none", "empty")


def caption(records: list[dict], seed: int, params: Caption, work: Work) -> tuple[list[dict], dict]:
    """The records with `caption`, `captioned_by`, `described` and `described_by`, and how many captions are from where.

    `described` {part: word} is what the caption is made of, `described_by` {part: "columns" or "attributes"} who said
    so: read off the photo is only what nobody gave, and no column is touched.  `captioned_by` is caption (one came
    with the photo), columns (photos.csv knew), attributes (a part was read off the photo), none (nobody knew anything)
    or empty (left so on purpose, a share of the training photos).
    """
    described = [record | {"described": {}, "described_by": {}} for record in records]
    for captioner in params.by:
        if captioner == "columns":
            described = [_completed(record, "columns", given(record)) for record in described]
        elif captioner == "attributes":
            described = _with_attributes(described, Path(params.attributes), "columns" in params.by, work)
    captioned = [_captioned(record, "columns" in params.by, seed, params.empty) for record in described]
    origins = [record["captioned_by"] for record in captioned]
    return captioned, {origin: origins.count(origin) for origin in ORIGINS}


def given(record: Mapping) -> dict[str, str]:
    """The parts that photos.csv names; a class stands for the structure, "car (sedan)" for car_(sedan)."""
    structure = record.get("structure") or (record.get("label") or "").replace("_", " ")
    return _words(record | {"structure": structure})


def _words(values: Mapping) -> dict[str, str]:
    """{part: word} of values by part; a flag or a count becomes the name of the part, or nothing."""
    stated = {
        part: part if value is True or isinstance(value, int) else value for part, value in values.items() if value
    }
    return {part: stated[part] for part in prompts.PARTS if part in stated}


def _completed(record: dict, origin: str, found: Mapping[str, str]) -> dict:
    new = {part: word for part, word in found.items() if part not in record["described"]}
    return record | {
        "described": record["described"] | new,
        "described_by": record["described_by"] | dict.fromkeys(new, origin),
    }


def _with_attributes(records: list[dict], probes: Path, captions_count: bool, work: Work) -> list[dict]:
    """Records whose structure, colour or material is not known, with all that can be read off their photos."""
    lacking = [
        place
        for place, record in enumerate(records)
        if not (captions_count and record.get("given_caption")) and not set(SOUGHT) <= record["described"].keys()
    ]
    if not lacking:
        return records
    incomplete = [records[place] for place in lacking]
    predictions = Probes.load(probes).predict(features([images.read(Path(one["photo"])) for one in incomplete]))
    walls = fan_out(_wall_color, incomplete, "reading colours", work)
    completed = list(records)
    for place, prediction, wall in zip(lacking, predictions, walls, strict=True):
        completed[place] = _completed(records[place], "attributes", _words(prediction | {"color": wall}))
    return completed


def _wall_color(record: dict) -> str:
    mask = images.read_grey(Path(record["matte"])) if record.get("matte") else None
    return colors.dominant_color(images.read(Path(record["photo"])), mask)


def _captioned(record: dict, captions_count: bool, seed: int, empty: float) -> dict:
    if record["split"] == "train" and int(cache.fingerprint(seed, "caption", record["id"])[:13], 16) < empty * 16**13:
        return record | {"caption": "", "captioned_by": "empty"}
    if captions_count and record.get("given_caption"):
        return record | {"caption": record["given_caption"], "captioned_by": "caption"}
    if not record["described"]:
        return record | {"caption": "", "captioned_by": "none"}
    origin = "attributes" if "attributes" in record["described_by"].values() else "columns"
    return record | {"caption": prompts.plain(record["described"]), "captioned_by": origin}
