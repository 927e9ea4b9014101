"""Folders of kohya's sd-scripts and of SimpleTuner."""

import json

import pytest
from helpers.datasets import png, write_files

from s2i.core.errors import UserError


def test_captions_in_text_and_control_images_of_the_same_names_are_used(ingest_folder, tmp_path):
    files = {"conditioning/lost.png": png(50, sketch=True), "lost.txt": "a house", "README.txt": "notes"}
    for number in range(20):
        end = "txt" if number % 2 else "caption"
        files |= {f"sub/{number}.png": png(number), f"sub/{number}.{end}": f"house {number}\n"}
        files[f"conditioning/sub/{number}.png"] = png(number, sketch=True)
    files["sub/4.caption"] = "house 4\nthe same house\n"
    records, _, reasons = ingest_folder(write_files(tmp_path / "set", files), source="simpletuner")
    assert len(records) == 20 and all(len(record["given_sketches"]) == 1 for record in records)
    assert {record["given_caption"] for record in records} == {f"house {number}" for number in range(20)}
    assert reasons == {
        "sub/4.caption": "further lines (1, the first is the caption)",
        "lost.txt": "no photo of its name",
        "conditioning/lost.png": "no photo of its name",
    }


def test_kohyas_folders_of_repeats_name_what_they_show_and_generated_images_are_left_out(ingest_folder, tmp_path):
    files = {f"img/10_red house/{number}.png": png(number) for number in range(20)}
    files |= {"img/10_red house/0.txt": "a barn", "reg/1_house/0.png": png(60)}
    files["meta_cap.json"] = json.dumps({"img/10_red house/1": {"caption": "a tower", "tags": "stone, old"}})
    records, _, reasons = ingest_folder(write_files(tmp_path / "set", files), source="kohya")
    captions = {record["source"].rpartition("/")[2]: record["given_caption"] for record in records}
    assert captions.pop("0.png") == "a barn" and captions.pop("1.png") == "a tower, stone, old"
    assert set(captions.values()) == {"red house"}
    assert reasons == {"reg/1_house/0.png": "regularisation image (in reg, beside img)"}


def test_metadata_jsonl_goes_before_files_and_names_control_images(ingest_folder, tmp_path):
    files = {f"{number}.png": png(number) for number in range(20)}
    files |= {f"{number}.txt": f"house {number}" for number in range(20)}
    files |= {"drawn/0.png": png(0, sketch=True)}
    files["metadata.jsonl"] = json.dumps({"image_path": "0.png", "caption": "a mill", "control_path": "drawn/0.png"})
    records, _, reasons = ingest_folder(write_files(tmp_path / "set", files), source="kohya")
    (mill,) = (record for record in records if record["source"] == "0.png")
    assert mill["given_caption"] == "a mill" and len(mill["given_sketches"]) == 1
    assert len(records) == 20 and reasons == {}


def test_a_table_that_is_none_is_one_clear_sentence(ingest_folder, tmp_path):
    files = {f"{number}.png": png(number) for number in range(20)} | {"meta_cap.json": "[1]"}
    with pytest.raises(UserError, match=r'meta_cap\.json must be a table of \{name: \{"caption": text\}\}'):
        ingest_folder(write_files(tmp_path / "set", files), source="kohya")
