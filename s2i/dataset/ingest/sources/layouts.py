"""The layouts of photo folders that `ingest.source` names."""

from collections.abc import Iterator
from pathlib import Path

from s2i.core.errors import UserError
from s2i.core.params import Ingest
from s2i.core.quarantine import Refused
from s2i.dataset.ingest.sources import folder, paired, sketchy
from s2i.dataset.ingest.sources.listing import Photo


def find_photos(source: Path, params: Ingest) -> Iterator[Photo | Refused]:
    """The photos at ``source``, laid out as params.source says.

    Raises UserError when it is not there, or laid out otherwise.
    """
    if not source.is_dir():
        raise UserError(f"{source} is not a folder: put your photos there, or name another one in dvc.yaml.")
    if params.source == "sketchy":
        return sketchy.find(source, params.classes)
    return {"folder": folder.find, "paired": paired.find}[params.source](source)
