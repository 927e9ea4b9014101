"""What the card of a data set, its README.md, says of all of its photos: the licence, and where they are from."""

import re
from pathlib import Path

from s2i.core.errors import UserError
from s2i.core.user_files import parse_yaml
from s2i.dataset.ingest.sources import locations

HUB = re.compile(r"hf://datasets/([^/@]+/[^/@]+)")


def columns_at(location: str) -> dict[str, str]:
    """{column of photos.csv: text} for all photos at a location, from the header of its README.md and its address."""
    columns = licence_in(locations.read_text(location, "README.md") or "")
    if match := HUB.match(location):
        columns["source_url"] = f"https://huggingface.co/datasets/{match[1]}"
    return columns


def licence_in(card: str) -> dict[str, str]:
    """{"licence": text} where the header of a card, YAML between two lines of ---, names one."""
    header = re.match(r"---\s*\n(.*?)\n---\s*(\n|$)", card.replace("\r\n", "\n"), re.DOTALL)
    try:
        values = parse_yaml(header[1], Path("README.md")) if header else {}
    except UserError:
        return {}
    licence = values.get("license") if isinstance(values, dict) else None
    licences = [one for one in (licence if isinstance(licence, list) else [licence]) if isinstance(one, str)]
    return {"licence": ", ".join(licences)} if licences else {}
