"""Folders as the library `datasets` lays them out."""

import json

from helpers.datasets import png, write_files


def test_metadata_jsonl_in_folders_of_splits_describes_photos(ingest_folder, tmp_path):
    files = {}
    for split, numbers in (("train", range(14)), ("validation", range(14, 17)), ("test", range(17, 20))):
        lines = []
        for number in numbers:
            files |= {f"{split}/{number}.png": png(number), f"{split}/cond/{number}.png": png(number, sketch=True)}
            row = {"file_name": f"{number}.png", "text": f"house {number}", "license": "CC0", "author": "Ada"}
            lines.append(json.dumps(row | {"conditioning_image_file_name": f"cond/{number}.png"}))
        files[f"{split}/metadata.jsonl"] = "\n".join([*lines, '{"file_name": "gone.png"}', "{"])
    files["train/extra.png"] = png(40)
    records, figures, reasons = ingest_folder(write_files(tmp_path / "set", files), source="imagefolder")
    assert (figures["train"], figures["val"], figures["test"]) == (14, 3, 3)
    assert all(record["given_caption"].startswith("house") and record["licence"] == "CC0" for record in records)
    assert all(len(record["given_sketches"]) == 1 for record in records)
    assert reasons["train/gone.png"] == "missing (train/metadata.jsonl line 15)"
    assert reasons["train/metadata.jsonl"].startswith("row cannot be read as JSON")
    assert reasons["train/extra.png"] == "not listed in metadata.jsonl"
    assert len(reasons) == 7


def test_folders_are_classes_where_no_table_says_otherwise(ingest_folder, tmp_path):
    files = {f"train/{('barn', 'tower')[number % 2]}/{number}.png": png(number) for number in range(20)}
    records, _, reasons = ingest_folder(write_files(tmp_path / "set", files), source="imagefolder")
    assert reasons == {} and {record["label"] for record in records} == {"barn", "tower"}
    assert {record["split"] for record in records} == {"train", "val", "test"}


def test_metadata_csv_is_read_and_unknown_columns_are_named_once(ingest_folder, tmp_path):
    files = {f"{number}.png": png(number) for number in range(20)}
    lines = [f"{number}.png,house {number},7" for number in range(20)]
    files["metadata.csv"] = "\n".join(["file_name,prompt,score", *lines, "only one"])
    records, _, reasons = ingest_folder(write_files(tmp_path / "set", files), source="imagefolder")
    assert {record["given_caption"] for record in records} == {f"house {number}" for number in range(20)}
    with open(tmp_path / "target/quarantine.csv", encoding="utf-8") as lines:
        assert len(lines.read().splitlines()) == 3
    assert reasons == {"metadata.csv": "row cannot be read as it has 1 cells for 3 columns (metadata.csv line 22)"}
