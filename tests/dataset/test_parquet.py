"""Parquet files of data sets on the hub."""

import cv2
import numpy as np
import pytest
from helpers.datasets import png, write_parquet

from s2i.core.params import Ingest
from s2i.imaging import io

FEATURES = {"image": {"_type": "Image"}, "label": {"_type": "ClassLabel", "names": ["barn", "tower"]}}


def rows(numbers):
    return [
        {
            "image": {"bytes": png(number), "path": f"{number}.png"},
            "conditioning_image": {"bytes": png(number, sketch=True), "path": None},
            "text": f"house {number}",
            "label": number % 2,
            "phash": "ff",
        }
        for number in numbers
    ]


def test_rows_become_photos_with_captions_classes_control_images_and_splits(ingest_folder, tmp_path):
    folder = tmp_path / "set"
    lost = {"image": {"bytes": None, "path": "https://elsewhere/x.png"}, "label": 1, "text": "gone"}
    write_parquet(folder / "data/train-00000-of-00001.parquet", [*rows(range(14)), lost], FEATURES)
    write_parquet(folder / "data/validation-00000-of-00001.parquet", rows(range(14, 20)), FEATURES)
    (folder / "README.md").write_text("---\nlicense: cc-by-4.0\n---\n# Houses\n", encoding="utf-8")
    records, figures, reasons = ingest_folder(folder, source="parquet", test=0.3)
    assert len(records) == 20 and figures["licences"] == {"cc-by-4.0": 20} and figures["val"] == 6
    assert figures["test"] > 0, "a split that is not given is taken from train"
    numbers = {int(record["given_caption"].removeprefix("house ")): record for record in records}
    assert all(record["label"] == ("tower" if number % 2 else "barn") for number, record in numbers.items())
    assert all(len(record["given_sketches"]) == 1 for record in records)
    assert reasons == {
        "parquet": "unknown column 'phash' (ingest.columns says what a column is)",
        "data/train-00000-of-00001.parquet/15": "no image in the row (its bytes are not in the file)",
    }


def test_control_images_in_light_on_black_become_dark_on_white(ingest_folder, tmp_path):
    made = rows(range(20))
    for row in made:
        drawing = np.full((96, 128), 0, np.uint8)
        drawing[30:40] = 255
        row["conditioning_image"] = {"bytes": cv2.imencode(".png", drawing)[1].tobytes(), "path": None}
    write_parquet(tmp_path / "set/0.parquet", made, FEATURES)
    records, _, _ = ingest_folder(tmp_path / "set", source="parquet")
    sketch = io.read_grey(records[0]["given_sketches"][0])
    assert np.median(sketch) == 255 and sketch.min() == 0


def test_columns_of_other_names_are_named_in_ingest_columns(ingest_folder, tmp_path):
    made = [{"picture": png(number), "blip": f"house {number}", "text": "no"} for number in range(20)]
    write_parquet(tmp_path / "set/0.parquet", made, {})
    records, _, reasons = ingest_folder(
        tmp_path / "set", source="parquet", columns={"file": "picture", "caption": "blip"}
    )
    assert {record["given_caption"] for record in records} == {f"house {number}" for number in range(20)}
    assert reasons == {"parquet": "unknown column 'text' (ingest.columns says what a column is)"}


def test_a_file_that_is_no_parquet_or_has_no_images_is_refused_by_name(ingest_folder, tmp_path):
    write_parquet(tmp_path / "set/0.parquet", rows(range(20)), FEATURES)
    write_parquet(tmp_path / "set/1.parquet", [{"text": "a house"}], {})
    (tmp_path / "set/2.parquet").write_bytes(b"PAR1 and nothing")
    records, _, reasons = ingest_folder(tmp_path / "set", source="parquet")
    assert len(records) == 20
    assert reasons["1.parquet"] == "no column of images (it has text: ingest.columns)"
    assert reasons["2.parquet"].startswith("no parquet file, or not a whole one (")


def test_a_class_that_is_a_number_without_a_name_is_no_label(ingest_folder, tmp_path):
    write_parquet(tmp_path / "set/0.parquet", rows(range(20)), {})
    records, _, _ = ingest_folder(tmp_path / "set", source="parquet")
    assert not any("label" in record for record in records)


def test_what_the_library_datasets_writes_is_read(ingest_folder, tmp_path):
    datasets = pytest.importorskip("datasets")
    made = datasets.Dataset.from_dict(
        {
            "image": [{"bytes": png(number), "path": None} for number in range(20)],
            "label": [number % 2 for number in range(20)],
        },
        features=datasets.Features(image=datasets.Image(), label=datasets.ClassLabel(names=["barn", "tower"])),
    )
    (tmp_path / "set").mkdir()
    made.to_parquet(tmp_path / "set/train.parquet")
    records, _, reasons = ingest_folder(tmp_path / "set", source="parquet")
    assert reasons == {} and {record["label"] for record in records} == {"barn", "tower"}


def test_columns_of_a_layout_with_its_own_names_are_refused():
    with pytest.raises(ValueError, match="source folder has its own"):
        Ingest(columns={"caption": "text"})
