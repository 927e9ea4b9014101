"""Photos and sketches of a Sketchy database."""

import pytest
from helpers.ingest import sketch_of
from PIL import Image

from s2i.core.errors import UserError
from s2i.core.params import Pair
from s2i.dataset.sketching.sketches import pair


@pytest.fixture
def sketchy(tmp_path, house):
    """Two classes of ten photos, two sketches each, in the layout of the Sketchy database."""
    root = tmp_path / "sketchy"
    for first, name in ((1, "cat"), (11, "car_(sedan)")):
        photos, sketches = (root / f"256x256/{kind}/tx_000000000000/{name}" for kind in ("photo", "sketch"))
        photos.mkdir(parents=True)
        sketches.mkdir(parents=True)
        for number in range(first, first + 10):
            square = house(number)[:, :96]
            Image.fromarray(square).save(photos / f"n{number:04}_7.jpg", quality=95)
            sketch_of(square).save(sketches / f"n{number:04}_7-1.png")
            sketch_of(square[:, ::-1]).save(sketches / f"n{number:04}_7-2.png")
    (root / "info").mkdir()
    return root


def test_photos_of_a_sketchy_database_come_with_all_their_sketches_and_their_class(
    ingest_folder, sketchy, tmp_path, workers
):
    found, _, reasons = ingest_folder(sketchy, source="sketchy", val=0.35)
    assert len(found) == 20 and reasons == {}
    assert {record["label"] for record in found} == {"cat", "car_(sedan)"}
    made = list(pair(found, tmp_path / "paired", Pair(styles=["given"]), workers))
    assert all(set(record["sketches"]) == {"given", "given-2"} for record in made)


def test_some_classes_of_a_sketchy_database_can_be_chosen(ingest_folder, sketchy):
    found, _, _ = ingest_folder(sketchy, source="sketchy", classes=["car_(sedan)"], val=0.3)
    assert {record["label"] for record in found} == {"car_(sedan)"} and len(found) == 10
    with pytest.raises(
        UserError, match=r"ingest.classes: .* has no class 'car_\(sedann\)'; did you mean 'car_\(sedan\)'"
    ):
        ingest_folder(sketchy, source="sketchy", classes=["car_(sedann)"])


def test_sketches_that_the_info_lists_call_invalid_are_not_used(ingest_folder, sketchy):
    (sketchy / "info/invalid-context.txt").write_text("n0001_7-1\n", encoding="utf-8")
    found, _, reasons = ingest_folder(sketchy, source="sketchy", val=0.35)
    assert reasons == {"256x256/sketch/tx_000000000000/cat/n0001_7-1.png": "invalid sketch (info/invalid-context.txt)"}
    (record,) = (record for record in found if record["source"].endswith("n0001_7.jpg"))
    assert len(record["given_sketches"]) == 1


@pytest.mark.parametrize("line", ["\ufeffn0001_7-1", "n0001_7-1.png", "cat/n0001_7-1", r"cat\n0001_7-1.png"])
def test_the_info_lists_may_name_files_or_paths_and_begin_with_a_mark(ingest_folder, sketchy, line):
    (sketchy / "info/invalid-context.txt").write_text(line, encoding="utf-8")
    _, _, reasons = ingest_folder(sketchy, source="sketchy", val=0.35)
    assert list(reasons) == ["256x256/sketch/tx_000000000000/cat/n0001_7-1.png"]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("n0001_7-9", "names no sketch 'n0001_7-9' (line 2)"),
        ("all of them", "names no sketch 'all of them' (line 2)"),
        ("n0011_7-9", None),
        ("dog/n0077_7-1", None),
    ],
)
def test_a_line_of_an_info_list_that_fits_no_sketch_of_a_photo_that_is_read_is_named(
    ingest_folder, sketchy, line, reason
):
    (sketchy / "info/invalid-context.txt").write_text(f"\n{line}\n", encoding="utf-8")
    _, _, reasons = ingest_folder(sketchy, source="sketchy", classes=["cat"], val=0.35)
    assert reasons == ({"info/invalid-context.txt": reason} if reason else {})


def test_an_info_list_in_another_encoding_is_one_clear_sentence(ingest_folder, sketchy):
    (sketchy / "info/invalid-context.txt").write_bytes(b"n0001_7-1\r\ncaf\xe9\r\n")
    with pytest.raises(UserError, match=r"invalid-context.txt line 2 is not UTF-8: save the file in UTF-8"):
        ingest_folder(sketchy, source="sketchy")


def test_a_class_that_is_missing_on_one_side_is_named(ingest_folder, sketchy):
    (sketchy / "256x256/sketch/tx_000000000000/cat").rename(sketchy / "256x256/sketch/tx_000000000000/dog")
    found, _, reasons = ingest_folder(sketchy, source="sketchy", val=0.35)
    assert len(found) == 20
    assert reasons == {
        "256x256/sketch/tx_000000000000/cat": "missing while there are photos of 'cat'",
        "256x256/photo/tx_000000000000/dog": "missing while there are sketches of 'dog'",
    }


def test_the_sketches_of_a_photo_that_is_dropped_as_a_duplicate_are_named(ingest_folder, sketchy):
    photos = sketchy / "256x256/photo/tx_000000000000/cat"
    (photos / "n0005_7.jpg").write_bytes((photos / "n0002_7.jpg").read_bytes())
    _, _, reasons = ingest_folder(sketchy, source="sketchy", val=0.35)
    (reason,) = reasons.values()
    assert reason.endswith("cat/n0002_7.jpg; not used with it: n0005_7-1.png, n0005_7-2.png")


def test_a_broken_sketch_costs_only_itself(ingest_folder, sketchy):
    broken = sketchy / "256x256/sketch/tx_000000000000/cat/n0002_7-2.png"
    broken.write_bytes(b"")
    found, _, reasons = ingest_folder(sketchy, source="sketchy", val=0.35)
    assert len(found) == 20
    assert reasons == {"256x256/photo/tx_000000000000/cat/n0002_7.jpg": "unusable companion n0002_7-2.png: empty file"}


def test_a_hidden_folder_is_no_class_and_an_empty_one_is_named(ingest_folder, sketchy):
    for name in (".ipynb_checkpoints", "bird"):
        for kind in ("photo", "sketch"):
            (sketchy / f"256x256/{kind}/tx_000000000000/{name}").mkdir()
    found, _, reasons = ingest_folder(sketchy, source="sketchy")
    assert {record["label"] for record in found} == {"cat", "car_(sedan)"}
    assert reasons == {"256x256/photo/tx_000000000000/bird": "empty class without a photo"}


def test_a_folder_in_the_place_of_a_list_is_one_clear_sentence(ingest_folder, sketchy):
    (sketchy / "info/invalid-pose.txt").mkdir()
    with pytest.raises(UserError, match=r"invalid-pose.txt cannot be read: no file \(a folder\)"):
        ingest_folder(sketchy, source="sketchy")
