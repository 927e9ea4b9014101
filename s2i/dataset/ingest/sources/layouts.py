"""The layouts of photos that `ingest.source` names."""

from collections.abc import Iterator
from pathlib import Path

from s2i.core.errors import UserError
from s2i.core.params import Ingest
from s2i.core.quarantine import Refused
from s2i.dataset.ingest.sources import (
    dataset_card,
    folder,
    imagefolder,
    locations,
    paired,
    parquet,
    sidecar,
    sketchy,
    unpacking,
    webdataset,
)
from s2i.dataset.ingest.sources.listing import Photo
from s2i.dataset.ingest.sources.mirror import mirror

SHARDS = {"parquet": (".parquet", parquet.samples), "webdataset": (".tar", webdataset.samples)}
DESCRIBED = {"imagefolder": imagefolder.find, "kohya": sidecar.find, "simpletuner": sidecar.find}


def find_photos(source: Path, params: Ingest) -> Iterator[Photo | Refused]:
    """The photos at params.url or else at ``source``, laid out as params.source says.

    Raises UserError when nothing is there, it is laid out otherwise, or an address cannot be read.
    """
    location = params.url or str(source)
    if params.source in SHARDS:
        yield from unpacking.find(location, *SHARDS[params.source], params.columns)
        return
    root = Path(location)
    if locations.is_remote(location):
        root, refused = mirror(location)
        yield from refused
    if not root.is_dir():
        remedy = "correct ingest.url" if params.url else "put your photos there, or name another one in dvc.yaml"
        raise UserError(f"{location} is not a folder: {remedy}.")
    if params.source == "sketchy":
        yield from sketchy.find(root, params.classes)
    elif params.source in DESCRIBED:
        yield from DESCRIBED[params.source](root, params.columns, dataset_card.columns_at(location))
    else:
        yield from {"folder": folder.find, "paired": paired.find}[params.source](root)
