"""photos.csv changed a cell at a time."""

import pytest

from s2i.core.errors import UserError
from s2i.dataset.review.photos_table import PhotosTable


def test_a_cell_is_changed_and_all_else_stays(tmp_path):
    file = tmp_path / "Photos.csv"
    file.write_text('\ufeffFile; Caption ;windows\n./a.png;=1+1;3\nb.png;"red; with""it";\n;;\n', encoding="utf-8")
    table = PhotosTable(tmp_path)
    table.change("a.png", refused="blurred\n badly")
    table.change("b.png", caption="a  barn")
    assert (
        file.read_text(encoding="utf-8")
        == "File; Caption ;windows;refused\n./a.png;=1+1;3;blurred badly\nb.png;a barn;;\n"
    )
    assert table.column("refused") == {"a.png": "blurred badly"} and table.column("licence") == {}
    assert [path.name for path in tmp_path.iterdir()] == ["Photos.csv"]


def test_a_folder_without_a_table_gets_one_that_lists_every_photo(photo_folder):
    table = PhotosTable(photo_folder)
    assert table.column("caption") == {} and not (photo_folder / "photos.csv").exists()
    table.change("house-03.png", caption="a house")
    lines = (photo_folder / "photos.csv").read_text(encoding="utf-8").splitlines()
    assert len(lines) == 21 and lines[:1] + lines[4:5] == ["file,caption", "house-03.png,a house"]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("file,caption\na.png\n", r"line 2 cannot be kept as it is \(it does not fit the columns\): mend it first"),
        ('file,caption\na.png,"x\n', r"line 2 cannot be kept as it is \(a quote is not closed\)"),
        ("photo\na.png\n", "has no column 'file'"),
        ("file\nb.png\n", "does not list a.png: add a row for it"),
    ],
)
def test_a_table_that_would_lose_something_is_not_written(tmp_path, text, sentence):
    (tmp_path / "photos.csv").write_text(text, encoding="utf-8")
    with pytest.raises(UserError, match=sentence):
        PhotosTable(tmp_path).change("a.png", caption="a house")
    assert (tmp_path / "photos.csv").read_text(encoding="utf-8") == text


def test_what_a_review_writes_is_what_ingest_reads(ingest_folder, photo_folder):
    (photo_folder / "twin.png").write_bytes((photo_folder / "house-00.png").read_bytes() + b" ")
    splits = {f"house-{number:02}.png": ("test", "val", "train")[number % 3] for number in range(20)} | {
        "twin.png": "train"
    }
    table = PhotosTable(photo_folder)
    for name, split in splits.items():
        table.change(name, split=split)
    records, _, reasons = ingest_folder(photo_folder)
    assert reasons == {"twin.png": "near-duplicate of house-00.png, which is in test"} and len(records) == 20
    table.change("twin.png", distinct="yes")
    table.change("house-03.png", refused="blurred")
    table.change("house-04.png", caption="a red barn")
    records, _, reasons = ingest_folder(photo_folder)
    assert reasons == {"house-03.png": "refused (blurred) (photos.csv line 5)"} and len(records) == 20
    assert [record["given_caption"] for record in records if record["source"] == "house-04.png"] == ["a red barn"]
