"""Records: what is written is read, and what does not fit the schema is refused."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from s2i.core import records
from s2i.core.errors import UserError
from s2i.core.output_folders import whole_folder


def record(folder, **columns):
    return {"id": "0123456789abcdef", "photo": str(folder / "photos" / "a.png")} | columns


def test_records_come_back_as_they_were_written(tmp_path):
    written = record(tmp_path, windows=3, curved=True, sketches={"pencil": str(tmp_path / "sketches" / "a.png")})
    records.write([written], tmp_path)
    (read,) = records.Records(tmp_path)
    assert written.items() <= read.items()


def test_paths_open_after_the_folder_was_renamed_in(tmp_path):
    earlier = tmp_path / "ingested" / "photos" / "a.png"
    earlier.parent.mkdir(parents=True)
    earlier.write_text("photo")
    with whole_folder(tmp_path / "deep" / "paired") as folder:
        sketch = folder / "a-pencil.png"
        sketch.write_text("sketch")
        rows = [{"id": "0", "photo": str(earlier), "sketches": {"pencil": str(sketch)}}]
        records.write(rows, folder, tmp_path / "deep" / "paired")
    (read,) = records.Records(tmp_path / "deep" / "paired")
    assert Path(read["photo"]).read_text(encoding="utf-8") == "photo"
    assert Path(read["sketches"]["pencil"]).read_text(encoding="utf-8") == "sketch"


def test_nothing_to_write_is_one_clear_sentence(tmp_path):
    with pytest.raises(UserError, match="nothing is left to write"):
        records.write([], tmp_path)


def test_a_column_the_schema_does_not_know_is_named(tmp_path):
    with pytest.raises(UserError, match="columns the schema does not know: colour"):
        records.write([record(tmp_path, colour="red")], tmp_path)


def test_a_value_of_the_wrong_type_is_refused(tmp_path):
    with pytest.raises(UserError, match="does not fit the schema"):
        records.write([record(tmp_path, windows="many")], tmp_path)


def test_a_record_without_a_photo_is_refused(tmp_path):
    with pytest.raises(UserError, match="1 records have no photo"):
        records.write([{"id": "0", "photo": None}], tmp_path)


def test_a_folder_without_records_says_which_stage_to_run(tmp_path):
    with pytest.raises(UserError, match="is missing: run the stage that writes"):
        records.Records(tmp_path)


LFS = b"version https://git-lfs.github.com/spec/v1\noid sha256:0123\nsize 4\n"


@pytest.mark.parametrize("damage", ["cut", "empty", "pointer", "flipped", "folder"])
def test_damaged_records_are_one_clear_sentence(tmp_path, damage):
    records.write([record(tmp_path, source=f"{number}.png") for number in range(2000)], tmp_path)
    file = tmp_path / "records.parquet"
    content = bytearray(file.read_bytes())
    content[40:400] = bytes(360)
    kinds = {"cut": content[:-20], "empty": b"", "pointer": LFS, "flipped": content}
    file.unlink()
    if damage == "folder":
        file.mkdir()
    else:
        file.write_bytes(kinds[damage])
    with pytest.raises(UserError, match=r"records\.parquet cannot be read \(.*\): delete .* and run the stage that"):
        list(records.Records(tmp_path))


def test_records_of_others_without_a_photo_are_one_clear_sentence(tmp_path):
    pq.write_table(pa.table({"id": ["0"]}), tmp_path / "records.parquet")
    with pytest.raises(UserError, match=r"has no column 'photo'; delete"):
        records.Records(tmp_path)


def test_paths_open_where_a_folder_is_a_link_to_another_disk(tmp_path):
    (tmp_path / "disk/deep/paired").mkdir(parents=True)
    (tmp_path / "data/ingested").mkdir(parents=True)
    photo = tmp_path / "data/ingested/a.png"
    photo.write_text("photo")
    (tmp_path / "data/paired").symlink_to(tmp_path / "disk/deep/paired")
    for target in (tmp_path / "data/paired", tmp_path / "data/matted"):
        with whole_folder(target) as folder:
            records.write([{"id": "0", "photo": str(photo)}], folder, target)
        ((read),) = records.Records(target)
        photo = Path(read["photo"])
        assert photo.read_text(encoding="utf-8") == "photo"
