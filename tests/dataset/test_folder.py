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


@pytest.mark.parametrize(
    ("stored", "written"),
    [
        ("sub/x.png", r"sub\x.png"),
        ("cafe\u0301.png", "caf\u00e9.png"),
        ("caf\u00e9.png", "cafe\u0301.png"),
        ("Sub/x.png", "sub/X.PNG"),
        (r"a\b.png", r"a\b.png"),
    ],
)
def test_a_name_that_is_written_otherwise_than_it_is_stored_is_found(
    ingest_folder, photo_folder, house, stored, written
):
    (photo_folder / stored).parent.mkdir(exist_ok=True)
    Image.fromarray(house(99)).save(photo_folder / stored)
    write_photos_csv(photo_folder, "file", written, *[f"house-{number:02}.png" for number in range(20)])
    records, _, reasons = ingest_folder(photo_folder)
    assert len(records) == 21 and reasons == {} and stored in {record["source"] for record in records}


def test_a_photo_in_a_linked_folder_is_refused_with_and_without_a_row(ingest_folder, photo_folder, tmp_path, house):
    (tmp_path / "more").mkdir()
    Image.fromarray(house(99)).save(tmp_path / "more/x.png")
    (photo_folder / "album").symlink_to(tmp_path / "more")
    write_photos_csv(photo_folder, "file", "album/x.png", *[f"house-{number:02}.png" for number in range(20)])
    records, _, reasons = ingest_folder(photo_folder)
    assert len(records) == 20
    assert reasons == {"album/x.png": "linked folder, which is not entered (album) (photos.csv line 2)"}


@pytest.mark.parametrize(
    ("cell", "reason"),
    [
        ("x" * 200_000, "unusable cell caption has 200,000 characters; keep it under 2,000 (photos.csv line 2)"),
        ("a\a house", "unusable cell caption holds the control character U+0007; remove it (photos.csv line 2)"),
        ("a\0 house", "unusable cell caption holds the control character U+0000; remove it (photos.csv line 2)"),
    ],
)
def test_a_caption_that_cannot_be_used_costs_itself_alone(ingest_folder, photo_folder, cell, reason):
    write_photos_csv(photo_folder, "file,caption", *[f"house-{n:02}.png,{cell if not n else 'a'}" for n in range(20)])
    records, _, reasons = ingest_folder(photo_folder)
    assert len(records) == 20 and reasons == {"house-00.png": reason}
    assert sum("given_caption" in record for record in records) == 19


def test_a_caption_that_a_model_reads_in_part_is_named_and_used(ingest_folder, photo_folder):
    write_photos_csv(photo_folder, "file,caption", *[f"house-{n:02}.png,{'house ' * 300}" for n in range(20)])
    records, _, reasons = ingest_folder(photo_folder)
    assert len(records) == 20 and all(record["given_caption"] for record in records)
    words = "long caption of 300 words, of which about the first 75 count (photos.csv line 2)"
    assert reasons["house-00.png"] == words


def test_a_row_that_is_no_csv_costs_itself_alone(ingest_folder, photo_folder):
    rows = ['house-00.png,"a "big" house"', 'house-01.png,"a house', *[f"house-{n:02}.png,a" for n in range(2, 20)]]
    write_photos_csv(photo_folder, "file,caption", *rows)
    records, figures, _ = ingest_folder(photo_folder)
    assert len(records) == 18 and figures["quarantined_by_reason"] == {"row cannot be read": 2, "not listed": 2}


@pytest.mark.parametrize("name", ["Photos.csv", "PHOTOS.CSV"])
def test_a_photos_csv_of_another_case_is_read(ingest_folder, photo_folder, name):
    lines = ["file,caption", *[f"house-{number:02}.png,a house" for number in range(20)]]
    (photo_folder / name).write_text("\n".join(lines), encoding="utf-8")
    assert all(record["given_caption"] == "a house" for record in ingest_folder(photo_folder)[0])


@pytest.mark.parametrize("name", ["photos.csv.txt", "photos.xlsx", "photos.tsv", "photos (1).csv"])
def test_a_table_that_looks_like_photos_csv_and_is_not_read_is_named(ingest_folder, photo_folder, name):
    (photo_folder / name).write_text("file\n", encoding="utf-8")
    records, _, reasons = ingest_folder(photo_folder)
    assert len(records) == 20 and reasons == {name: "not read (save or rename it as photos.csv)"}


def test_a_link_that_leads_nowhere_in_the_place_of_photos_csv_is_one_sentence(ingest_folder, photo_folder):
    (photo_folder / "photos.csv").symlink_to("gone.csv")
    with pytest.raises(UserError, match=r"photos.csv cannot be read: broken link; put a text file there"):
        ingest_folder(photo_folder)


def test_images_that_are_not_named_as_photos_are_named(ingest_folder, photo_folder, house):
    for name in ("plan.svg", "plan.pdf", "plan.eps", "film.mp4", "all.zip"):
        (photo_folder / name).write_bytes(b"x")
    Image.fromarray(house(99)).save(photo_folder / "photo", "JPEG")
    Image.fromarray(house(98)).save(photo_folder / "photo.part", "PNG")
    (photo_folder / "notes.txt").write_text("notes", encoding="utf-8")
    records, _, reasons = ingest_folder(photo_folder)
    assert len(records) == 20 and reasons.keys() == {
        *("plan.svg", "plan.pdf", "plan.eps", "film.mp4", "all.zip", "photo", "photo.part")
    }
    assert reasons["photo"] == "no suffix of a photo (it is a JPEG: name it photo.jpeg)"
