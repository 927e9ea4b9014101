"""Folders of photos, with and without a photos.csv."""

import os

import pytest
from helpers.ingest import write_photos_csv
from PIL import Image

from s2i.core.errors import UserError


def test_photos_csv_says_which_photos_there_are_and_what_they_show(ingest_folder, photo_folder):
    rows = [f"house-{number:02}.png,CC0,barn,red,true,{number},9" for number in range(12)]
    write_photos_csv(photo_folder, "file,licence,structure,color,curved,windows,depth", *rows)
    records, figures, reasons = ingest_folder(photo_folder, val=0.3)
    reasons = {file: reason for file, reason in reasons.items() if reason != "not listed in photos.csv"}
    assert len(records) == 12 and reasons == {} and figures["licences"] == {"CC0": 12}
    assert {"structure": "barn", "color": "red", "curved": True, "windows": 7}.items() <= records[7].items()


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("gone.png,,red,1", "missing (photos.csv line 22)"),
        (f"{'x' * 300}.png,,red,1", "missing (photos.csv line 22)"),
        ("./house-00.png,tall.png,red,1", "listed twice (photos.csv line 22; line 2 counts)"),
        ("house-00.png,,red", "row does not fit the columns (photos.csv line 22)"),
        *[
            (
                f"house-00.png,,red,{number}",
                f"wrong value windows is '{number}', not a whole number from 0 to 2147483647 (photos.csv line 22)",
            )
            for number in ("many", "inf", "nan", "-1", "2.5", "3000000000")
        ],
        ("house-19.png,lost.png,red,1", "companion missing lost.png (photos.csv line 22)"),
        (f"house-19.png,{'x' * 300},red,1", f"companion missing {'x' * 300} (photos.csv line 22)"),
        ("../house-00.png,,red,1", "wrong value '../house-00.png' leads out of the folder (photos.csv line 22)"),
        ("house-19.png,tall.png,,", "unusable companion tall.png: shape 10 x 90 while the photo is 128 x 96"),
        (",,red,1", "no file named (photos.csv line 22)"),
    ],
)
def test_a_bad_row_of_photos_csv_is_quarantined_with_its_line(ingest_folder, photo_folder, row, reason):
    Image.new("L", (10, 90)).save(photo_folder / "tall.png")
    rows = [f"house-{number:02}.png,,," for number in range(19)] + ["# nothing.png,,,"]
    write_photos_csv(photo_folder, "file,sketch,color,windows", *rows, row)
    records, _, reasons = ingest_folder(photo_folder)
    assert len(records) == 19 + ("companion" in reason) and reason in reasons.values(), "it outlives its companions"


def test_columns_and_photos_that_photos_csv_does_not_know_are_named(ingest_folder, photo_folder):
    write_photos_csv(photo_folder, "file,colour,owner", *[f"house-{number:02}.png,red,me" for number in range(19)])
    (photo_folder / "nested").mkdir()
    (photo_folder / "house-19.png").rename(photo_folder / "nested/house-19.png")
    records, figures, _ = ingest_folder(photo_folder)
    with open(photo_folder.parent / "target/quarantine.csv", encoding="utf-8") as lines:
        assert lines.read().splitlines()[1:] == [
            "photos.csv,\"unknown column 'colour', did you mean 'color'?\"",
            "photos.csv,unknown column 'owner'",
            "nested/house-19.png,not listed in photos.csv",
        ]
    assert len(records) == 19 and figures["quarantined"] == 3


def test_a_comma_too_many_in_the_header_costs_no_photo(ingest_folder, photo_folder):
    write_photos_csv(photo_folder, "file,color,", *[f"house-{number:02}.png,red," for number in range(20)], ",,")
    records, _, reasons = ingest_folder(photo_folder)
    assert len(records) == 20 and reasons == {}
    write_photos_csv(photo_folder, "file,color,", *[f"house-{number:02}.png,red,{number}" for number in range(20)])
    assert ingest_folder(photo_folder)[2] == {"photos.csv": "unknown column without a name"}


@pytest.mark.parametrize("mark", [";", "\t"])
def test_photos_csv_as_spreadsheets_write_it_is_understood(ingest_folder, photo_folder, mark):
    lines = [f"house-{number:02}.png{mark}barn, red" for number in range(20)]
    write_photos_csv(photo_folder, f" File{mark}Caption ", *lines, mark)
    records, _, reasons = ingest_folder(photo_folder)
    assert len(records) == 20 and reasons == {} and {record["given_caption"] for record in records} == {"barn, red"}


def test_folders_that_are_not_entered_are_named(ingest_folder, photo_folder, tmp_path, house):
    (tmp_path / "more").mkdir()
    (photo_folder / "album").symlink_to(tmp_path / "more")
    (photo_folder / "photos.tar").mkdir()
    Image.fromarray(house(99)).save(photo_folder / "photos.tar/house.jfif", "JPEG")
    (photo_folder / "locked").mkdir(0o000)
    records, _, reasons = ingest_folder(photo_folder)
    assert len(records) == 21
    locked = {} if os.access(photo_folder / "locked", os.R_OK) else {"locked": "folder that cannot be opened"}  # root
    assert reasons == {"album": "linked folder, which is not entered"} | locked


def test_photos_csv_in_another_encoding_or_with_a_column_twice_is_one_clear_sentence(ingest_folder, photo_folder):
    (photo_folder / "photos.csv").write_bytes("file,author\n,\nhouse-00.png,Käthe\n".encode("latin-1"))
    with pytest.raises(UserError, match=r"photos.csv line 3 is not UTF-8: save the file in UTF-8"):
        ingest_folder(photo_folder)
    write_photos_csv(photo_folder, "file,color,color", "house-00.png,red,blue")
    with pytest.raises(UserError, match=r"photos.csv has the column 'color' twice: keep one"):
        ingest_folder(photo_folder)


def test_a_row_with_a_cell_too_many_and_a_path_with_a_dot_are_understood(ingest_folder, photo_folder):
    rows = [f"./house-{number:02}.png,a house" for number in range(19)]
    write_photos_csv(photo_folder, "file,caption", *rows, "house-19.png,red, with a door")
    records, _, reasons = ingest_folder(photo_folder)
    assert len(records) == 19
    assert reasons == {"house-19.png": "not listed in photos.csv"} or "row does not fit" in reasons["house-19.png"]


def test_a_photos_csv_without_files_is_one_clear_sentence(ingest_folder, photo_folder):
    write_photos_csv(photo_folder, "photo,color", "house-00.png,red")
    with pytest.raises(UserError, match=r"photos.csv has no column 'file'"):
        ingest_folder(photo_folder)
