"""What tests of ingest put into folders, and ask of its outcome."""

import numpy as np
from PIL import Image

from s2i.imaging import io


def quarantined(ingest_folder, folder, name, content):
    """Why a file of that content is refused; the twenty good photos beside it are used."""
    (folder / name).write_bytes(content)
    records, figures, reasons = ingest_folder(folder)
    assert len(records) == 20 and figures["quarantined"] == 1, "the run goes on with the good photos"
    assert set(reasons) == {name}
    return reasons[name]


def converted(ingest_folder, folder, name):
    """The normalised image of one odd photo among the twenty."""
    records, _, reasons = ingest_folder(folder)
    assert reasons == {} and len(records) == 21
    (record,) = (record for record in records if record["source"] == name)
    return io.read(record["photo"])


def write_photos_csv(folder, *lines):
    (folder / "photos.csv").write_text("\n".join(lines), encoding="utf-8")


def sketch_of(image):
    """Dark strokes on white where an image is dark."""
    return Image.fromarray(np.where(image[..., :1].repeat(3, 2) > 120, 255, 20).astype(np.uint8))
