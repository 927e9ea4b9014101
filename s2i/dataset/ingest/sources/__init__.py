"""Where photos come from: what `ingest.source` selects."""

from collections.abc import Iterator
from pathlib import Path

from s2i.core.errors import UserError
from s2i.core.params import Ingest
from s2i.core.quarantine import Refused
from s2i.dataset.ingest.sources import folder, paired, sketchy
from s2i.dataset.ingest.sources.listing import Photo


def find(place: Path, params: Ingest) -> Iterator[Photo | Refused]:
    """The photos at a place, laid out as params.source says.  Raises UserError when it is not there, or not so."""
    if not place.is_dir():
        raise UserError(f"{place} is not a folder: put your photos there, or name another one in dvc.yaml.")
    if params.source == "sketchy":
        return sketchy.find(place, params.classes)
    return {"folder": folder.find, "paired": paired.find}[params.source](place)
