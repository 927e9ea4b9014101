"""The small Sketchy database that the study is run on."""

from s2i.embedded.rendering.grammar import STRUCTURES
from s2i.embedded.sketchy_database import DatabaseSize, write_database
from s2i.imaging import io


def test_every_class_has_photos_of_several_sketches_each(tmp_path):
    write_database(tmp_path, DatabaseSize(photos=1, sketches=2, side=32, samples=1))
    photos, sketches = (tmp_path / f"256x256/{kind}/tx_000000000000" for kind in ("photo", "sketch"))
    assert {folder.name for folder in photos.iterdir()} == {name.replace(" ", "_") for name in STRUCTURES}
    for photo in photos.glob("*/*.png"):
        drawings = [io.read_grey(file) for file in sorted((sketches / photo.parent.name).iterdir())]
        assert io.read(photo).shape == (32, 32, 3) and len(drawings) == 2
        assert (drawings[0] != drawings[1]).any(), "another hand"
