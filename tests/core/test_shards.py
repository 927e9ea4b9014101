"""Folders of very many files, as tar shards."""

import numpy as np
import pytest

from s2i.core import cache, records, shards, stage
from s2i.core.output_folders import MARKER, whole_folder
from s2i.core.params import Matte, Pair
from s2i.dataset.matting import mattes
from s2i.dataset.sketching.sketches import pair
from s2i.imaging import io


@pytest.fixture
def packed(ingested, tmp_path, workers, monkeypatch):
    """The folder of a stage whose sketches were packed, three files a shard or so, and the records before that."""
    monkeypatch.setattr(shards, "FILES_A_SHARD", 3)
    monkeypatch.setattr(shards, "MOST_FILES", 30)
    target = tmp_path / "paired"
    with whole_folder(target) as folder:
        before = list(pair(ingested, folder, Pair(styles=["canny", "xdog"]), workers))
        images = {(record["id"], style): io.read_grey(path) for record in before for style, path in sketches(record)}
        stage.Stage(None, {}, {"paired": folder}, target, None).write(before)
    return target, images


def sketches(record):
    return record["sketches"].items()


def test_packed_images_are_what_the_loose_ones_were(packed):
    target, images = packed
    files = sorted(
        path.relative_to(target).as_posix() for path in target.rglob("*") if path.is_file() and path.name != MARKER
    )
    assert 8 <= len(files) <= 17 and all(name.endswith((".tar", ".parquet")) for name in files)
    unpacked = {
        (record["id"], style): io.read_grey(path)
        for record in records.Records(target)
        for style, path in sketches(record)
    }
    assert unpacked.keys() == images.keys() and len(unpacked) == 40
    assert all((unpacked[key] == images[key]).all() for key in unpacked)


def test_the_next_stage_reads_shards_as_it_reads_files(packed, tmp_path, workers):
    target, images = packed
    matted = list(
        mattes.cut_backgrounds(list(records.Records(target))[:2], tmp_path, Matte(background="white"), workers)
    )
    for record in matted:
        sketch = io.read_grey(record["sketches"]["canny"])
        inside = io.read_grey(record["matte"]) == 255
        assert (sketch == images[record["id"], "canny"])[inside].all() and inside.any()


def test_all_files_of_a_photo_are_in_one_shard_and_a_new_photo_changes_one(tmp_path):
    for name, photos in (("few", 20), ("more", 21)):
        rows = []
        for number in range(photos):
            made = [tmp_path / name / f"sketches/{number:04x}-{variant}.png" for variant in range(2)]
            for file in made:
                io.write_png(file, np.full((4, 4), number, np.uint8))
            rows.append({"id": f"{number:04x}", "photo": str(made[0]), "sketch": str(made[1])})
        records.write(rows, tmp_path / name)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(shards, "FILES_A_SHARD", 12)
            patch.setattr(shards, "MOST_FILES", 5)
            shards.pack(tmp_path / name, tmp_path / name)
    for record in records.Records(tmp_path / "more"):
        assert record["photo"].rpartition("/")[0] == record["sketch"].rpartition("/")[0]
    few, more = (
        {file.name: file.read_bytes() for file in (tmp_path / name).rglob("*.tar")} for name in ("few", "more")
    )
    assert few.keys() == more.keys() and sum(few[name] != more[name] for name in few) == 1


def test_few_files_stay_as_they_are(tmp_path):
    io.write_png(tmp_path / "sketches/a.png", np.zeros((4, 4), np.uint8))
    records.write([{"id": "a", "photo": str(tmp_path / "sketches/a.png")}], tmp_path)
    shards.pack(tmp_path, tmp_path)
    assert (tmp_path / "sketches/a.png").exists()


def test_a_member_has_the_hash_of_the_file_it_was(packed, tmp_path):
    target, images = packed
    record = next(iter(records.Records(target)))
    io.write_png(tmp_path / "again.png", images[record["id"], "xdog"])
    assert cache.file_hash(record["sketches"]["xdog"]) == cache.file_hash(tmp_path / "again.png")


def test_webdataset_reads_the_shards(packed):
    webdataset = pytest.importorskip("webdataset")
    target, _ = packed
    urls = [str(file) for file in sorted(target.rglob("*.tar"))]
    samples = list(webdataset.WebDataset(urls, shardshuffle=False).decode("l8"))
    assert len(samples) == 40 and all(sample["png"].shape[:2] == (48, 64) for sample in samples)
