"""Captions from what photos.csv says, and from the photo's colour where it says none."""

from functools import partial
from pathlib import Path

from s2i import cache, colors, images, prompts
from s2i.fan_out import fan_out
from s2i.params import Caption, Work


def caption(records: list[dict], seed: int, params: Caption, work: Work) -> tuple[list[dict], dict]:
    """The records with `caption` and `captioned_by`, and how many captions came from where.

    `captioned_by` is caption (one was given), columns (structure and color were), color (the wall's was measured) or
    empty (left empty on purpose, a share of the training photos).  A measured color and a structure taken from the
    label are kept in their columns.
    """
    captioned = fan_out(partial(_captioned, seed=seed, empty=params.empty), records, "captioning", work)
    origins = [record["captioned_by"] for record in captioned]
    return captioned, {origin: origins.count(origin) for origin in ("caption", "columns", "color", "empty")}


def _captioned(record: dict, seed: int, empty: float) -> dict:
    if record["split"] == "train" and int(cache.fingerprint(seed, "caption", record["id"])[:13], 16) < empty * 16**13:
        return record | {"caption": "", "captioned_by": "empty"}
    if record.get("given_caption"):
        return record | {"caption": record["given_caption"], "captioned_by": "caption"}
    described = record | {"structure": record.get("structure") or record.get("label") or "building"}
    if not record.get("color"):
        described["color"] = colors.dominant_color(images.read(Path(record["photo"])))
    origin = "columns" if record.get("color") else "color"
    return described | {"caption": prompts.plain(described), "captioned_by": origin}
