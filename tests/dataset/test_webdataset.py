"""Tar shards of webdataset."""

import json

import pytest
from helpers.datasets import png, write_tar

from s2i.core.errors import UserError


def sample(number, **parts):
    return {f"a/{number:03}.{part.replace('_', '.')}": content for part, content in parts.items()}


def test_shards_become_photos_with_captions_sketches_licences_and_splits(ingest_folder, tmp_path):
    shards = tmp_path / "shards"
    for split, start in (("train", 0), ("test", 12)):
        members = {}
        for number in range(start, start + 12):
            described = {"license": "CC0", "author": "Ada", "url": f"https://x/{number}", "width": 128}
            parts = {"png": png(number), "txt": f"house {number}", "json": json.dumps(described)}
            members |= sample(number, **parts, sketch_png=png(number, sketch=True))
        write_tar(shards / f"{split}-000.tar", members | sample(start + 90, txt="no photo here"))
    records, figures, reasons = ingest_folder(shards, source="webdataset", val=0.3)
    assert len(records) == 24 and figures["unlicensed"] == 0
    by_number = {int(record["given_caption"].removeprefix("house ")): record for record in records}
    assert all((record["split"] == "test") == (number >= 12) for number, record in by_number.items())
    assert by_number[3]["licence"] == "CC0" and by_number[3]["source_url"] == "https://x/3"
    assert by_number[3]["source"] == "train-000.tar/a/003" and len(by_number[3]["given_sketches"]) == 1
    assert reasons == {
        "webdataset": "unknown column 'width' (ingest.columns says what a column is)",
        "train-000.tar/a/090": "no photo among txt",
        "test-000.tar/a/102": "no photo among txt",
    }


def test_a_shard_that_is_cut_off_gives_the_photos_before_it_ends(ingest_folder, tmp_path):
    members = {f"{number:03}.jpg": png(number) for number in range(20)}
    write_tar(tmp_path / "photos/0.tar", members)
    content = (tmp_path / "photos/0.tar").read_bytes()
    (tmp_path / "photos/0.tar").write_bytes(content[: len(content) * 9 // 10])
    records, _, reasons = ingest_folder(tmp_path / "photos", source="webdataset", val=0.3)
    assert 15 <= len(records) < 20 and reasons["0.tar"].startswith("not a whole tar file")


def test_a_shard_is_unpacked_once_until_it_changes(ingest_folder, tmp_path, own_cache):
    folder = tmp_path / "photos"
    write_tar(folder / "0.tar", {f"{number:03}.jpg": png(number) for number in range(20)})
    ingest_folder(folder, source="webdataset")
    unpacked = [path for path in (own_cache / "sources").iterdir() if not path.name.startswith(".")]
    ingest_folder(folder, source="webdataset")
    assert [path for path in (own_cache / "sources").iterdir() if not path.name.startswith(".")] == unpacked
    write_tar(folder / "0.tar", {f"{number:03}.jpg": png(number) for number in range(21)})
    assert len(ingest_folder(folder, source="webdataset")[0]) == 21


def test_members_cannot_lead_out_of_the_cache(ingest_folder, tmp_path, own_cache):
    members = {f"../../{number:03}.jpg": png(number) for number in range(20)}
    write_tar(tmp_path / "photos/0.tar", members)
    before = {path for path in tmp_path.rglob("*.jpg")}
    assert len(ingest_folder(tmp_path / "photos", source="webdataset")[0]) == 20
    assert {path for path in tmp_path.rglob("*.jpg")} == before == set()


def test_a_description_that_cannot_be_read_costs_itself_alone(ingest_folder, tmp_path):
    members = {f"{number:03}.jpg": png(number) for number in range(20)}
    members = members | {"020.jpg": png(20), "020.json": "{", "020.txt": "a house"}
    write_tar(tmp_path / "photos/0.tar", members)
    records, _, reasons = ingest_folder(tmp_path / "photos", source="webdataset")
    assert len(records) == 21 and reasons["0.tar/020"].startswith("unusable description")


def test_a_folder_without_shards_is_one_clear_sentence(ingest_folder, photo_folder):
    with pytest.raises(UserError, match=r"holds no \.tar files: correct ingest\.url or ingest\.source"):
        ingest_folder(photo_folder, source="webdataset")


def test_webdatasets_own_writer_is_read(ingest_folder, tmp_path):
    webdataset = pytest.importorskip("webdataset")
    (tmp_path / "photos").mkdir()
    with webdataset.TarWriter(str(tmp_path / "photos/0.tar")) as writer:
        for number in range(20):
            parts = {"jpg": png(number), "txt": f"house {number}", "control.png": png(number, sketch=True)}
            writer.write({"__key__": f"{number:03}", **parts, "json": {"licence": "CC0"}})
    records, _, reasons = ingest_folder(tmp_path / "photos", source="webdataset")
    assert reasons == {} and {record["licence"] for record in records} == {"CC0"}
    assert {len(record["given_sketches"]) for record in records} == {1}
