"""The layouts that photos come in: paired and Sketchy.  Folders of photos are test_ingest's."""

import csv
import json

import numpy as np
import pytest
from PIL import Image

from s2i.core import records
from s2i.core.errors import UserError
from s2i.core.params import Ingest, Pair
from s2i.dataset.ingest.photos import ingest
from s2i.dataset.sketching.sketches import pair
from s2i.imaging import io


def sketch_of(image):
    return Image.fromarray(np.where(image[..., :1].repeat(3, 2) > 120, 255, 20).astype(np.uint8))


@pytest.fixture
def run(tmp_path, workers):
    """run(folder, **params) gives the records, as the next stage reads them, and {file: reason} of quarantine.csv."""

    def run(folder, **params):
        target = tmp_path / "ingested"
        target.mkdir(exist_ok=True)
        made, _ = ingest(folder, target, 64, 0, Ingest(**params), workers)
        records.write(made, target)
        with open(target / "quarantine.csv", encoding="utf-8", newline="") as lines:
            return list(records.Records(target)), {row["file"]: row["reason"] for row in csv.DictReader(lines)}

    return run


@pytest.fixture
def paired(tmp_path, house):
    """Twenty pairs with prompts, every second one empty."""
    folder = tmp_path / "set"
    for name in ("Images", "Sketches"):
        (folder / name).mkdir(parents=True)
    for number in range(20):
        Image.fromarray(house(number + 1)).save(folder / f"Images/image_{number}.png")
        sketch_of(house(number + 1)).save(folder / f"Sketches/sketch_{number}.png")
    write_prompts(folder, [entry(number) for number in range(20)])
    return folder


def entry(number, prompt=None):
    return {
        "image": f"image_{number}.png",
        "prompt": (f"house {number}" if number % 2 else "") if prompt is None else prompt,
    }


def write_prompts(folder, entries):
    (folder / "prompts.json").write_text(json.dumps(entries), encoding="utf-8")


def test_pairs_are_found_by_number_with_their_prompts(run, paired, tmp_path, workers):
    found, reasons = run(paired, source="paired")
    assert len(found) == 20 and reasons == {}
    for record in found:
        number = record["source"].removeprefix("Images/image_").removesuffix(".png")
        assert record.get("given_caption") == (f"house {number}" if int(number) % 2 else None)
        expected = io.resize_and_crop(io.read_grey(paired / f"Sketches/sketch_{number}.png"), 64)
        assert (io.read_grey(record["given_sketches"][0]) == expected).all()
    made = list(pair(found, tmp_path / "paired", Pair(styles=["given"]), workers))
    assert all(set(record["sketches"]) == {"given"} for record in made)


def test_prompts_may_be_missing(run, paired):
    (paired / "prompts.json").unlink()
    found, reasons = run(paired, source="paired")
    assert len(found) == 20 and reasons == {} and not any(record.get("given_caption") for record in found)


def test_what_has_no_counterpart_is_named_and_photos_without_sketches_are_kept(run, paired):
    (paired / "Sketches/sketch_3.png").unlink()
    (paired / "Images/image_4.png").unlink()
    (paired / "Images/front.png").write_bytes((paired / "Images/image_5.png").read_bytes())
    found, reasons = run(paired, source="paired")
    assert len(found) == 19
    assert reasons == {
        "Sketches/sketch_3.png": "missing while Images/image_3.png is there",
        "Sketches/sketch_4.png": "no photo of its number in Images",
        "Images/front.png": "wrong name (not image_NUMBER)",
        "prompts.json": "image missing image_4.png (entry 5)",
    }
    (alone,) = (record for record in found if record["source"] == "Images/image_3.png")
    assert not alone.get("given_sketches")


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        ({"image": "image_1.png", "prompt": "again"}, "image named twice image_1.png (entry 21); the first one counts"),
        ({"prompt": "of nothing"}, "no image named (entry 21)"),
        ("image_1.png", "no image named (entry 21)"),
        ({"image": "image_0.png", "prompt": "\ud83d"}, "half a character in the prompt (image_0.png, entry 21)"),
        ({"image": "image_99.png", "prompt": ""}, "image missing image_99.png (entry 21)"),
    ],
)
def test_a_bad_entry_of_prompts_json_is_named_and_the_others_count(run, paired, wrong, reason):
    write_prompts(paired, [entry(number) for number in range(20)] + [wrong])
    found, reasons = run(paired, source="paired")
    assert reasons == {"prompts.json": reason}
    assert sum(bool(record.get("given_caption")) for record in found) == 10


def test_a_prompt_of_a_path_is_found_and_one_under_another_key_is_missed(run, paired):
    write_prompts(paired, [{"image": r"Images\image_1.png", "prompt": "a"}, {"image": "image_2.png", "promt": "b"}])
    found, reasons = run(paired, source="paired")
    assert reasons == {"prompts.json": "no prompt (image_2.png, entry 2)"}
    assert [record["given_caption"] for record in found if record.get("given_caption")] == ["a"]


def test_a_prompts_json_that_is_no_list_or_no_json_is_one_clear_sentence(run, paired):
    write_prompts(paired, {"image_1.png": "house"})
    with pytest.raises(UserError, match=r"prompts.json must be a list of .* not a table"):
        run(paired, source="paired")
    (paired / "prompts.json").write_text("[{", encoding="utf-8")
    with pytest.raises(UserError, match=r"prompts.json is not JSON: .* line 1"):
        run(paired, source="paired")
    (paired / "prompts.json").write_bytes('[\n{"image": "image_1.png", "prompt": "café"}]'.encode("latin-1"))
    with pytest.raises(UserError, match=r"prompts.json line 2 is not UTF-8: save the file in UTF-8"):
        run(paired, source="paired")


@pytest.mark.parametrize("source", ["paired", "sketchy"])
def test_a_folder_of_another_layout_is_one_clear_sentence(run, photo_folder, source):
    with pytest.raises(UserError, match=rf"ingest.source '{source}' wants"):
        run(photo_folder, source=source)


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


def test_photos_of_a_sketchy_database_come_with_all_their_sketches_and_their_class(run, sketchy, tmp_path, workers):
    found, reasons = run(sketchy, source="sketchy", val=0.35)
    assert len(found) == 20 and reasons == {}
    assert {record["label"] for record in found} == {"cat", "car_(sedan)"}
    made = list(pair(found, tmp_path / "paired", Pair(styles=["given"]), workers))
    assert all(set(record["sketches"]) == {"given", "given-2"} for record in made)


def test_some_classes_of_a_sketchy_database_can_be_chosen(run, sketchy):
    found, _ = run(sketchy, source="sketchy", classes=["car_(sedan)"], val=0.3)
    assert {record["label"] for record in found} == {"car_(sedan)"} and len(found) == 10
    with pytest.raises(
        UserError, match=r"ingest.classes: .* has no class 'car_\(sedann\)'; did you mean 'car_\(sedan\)'"
    ):
        run(sketchy, source="sketchy", classes=["car_(sedann)"])


def test_sketches_that_the_info_lists_call_invalid_are_not_used(run, sketchy):
    (sketchy / "info/invalid-context.txt").write_text("n0001_7-1\n", encoding="utf-8")
    found, reasons = run(sketchy, source="sketchy", val=0.35)
    assert reasons == {"256x256/sketch/tx_000000000000/cat/n0001_7-1.png": "invalid sketch (info/invalid-context.txt)"}
    (record,) = (record for record in found if record["source"].endswith("n0001_7.jpg"))
    assert len(record["given_sketches"]) == 1


@pytest.mark.parametrize("line", ["\ufeffn0001_7-1", "n0001_7-1.png", "cat/n0001_7-1", r"cat\n0001_7-1.png"])
def test_the_info_lists_may_name_files_or_paths_and_begin_with_a_mark(run, sketchy, line):
    (sketchy / "info/invalid-context.txt").write_text(line, encoding="utf-8")
    _, reasons = run(sketchy, source="sketchy", val=0.35)
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
def test_a_line_of_an_info_list_that_fits_no_sketch_of_a_photo_that_is_read_is_named(run, sketchy, line, reason):
    (sketchy / "info/invalid-context.txt").write_text(f"\n{line}\n", encoding="utf-8")
    _, reasons = run(sketchy, source="sketchy", classes=["cat"], val=0.35)
    assert reasons == ({"info/invalid-context.txt": reason} if reason else {})


def test_an_info_list_in_another_encoding_is_one_clear_sentence(run, sketchy):
    (sketchy / "info/invalid-context.txt").write_bytes(b"n0001_7-1\r\ncaf\xe9\r\n")
    with pytest.raises(UserError, match=r"invalid-context.txt line 2 is not UTF-8: save the file in UTF-8"):
        run(sketchy, source="sketchy")


def test_a_class_that_is_missing_on_one_side_is_named(run, sketchy):
    (sketchy / "256x256/sketch/tx_000000000000/cat").rename(sketchy / "256x256/sketch/tx_000000000000/dog")
    found, reasons = run(sketchy, source="sketchy", val=0.35)
    assert len(found) == 20
    assert reasons == {
        "256x256/sketch/tx_000000000000/cat": "missing while there are photos of 'cat'",
        "256x256/photo/tx_000000000000/dog": "missing while there are sketches of 'dog'",
    }


def test_the_sketches_of_a_photo_that_is_dropped_as_a_duplicate_are_named(run, sketchy):
    photos = sketchy / "256x256/photo/tx_000000000000/cat"
    (photos / "n0005_7.jpg").write_bytes((photos / "n0002_7.jpg").read_bytes())
    _, reasons = run(sketchy, source="sketchy", val=0.35)
    (reason,) = reasons.values()
    assert reason.endswith("cat/n0002_7.jpg; not used with it: n0005_7-1.png, n0005_7-2.png")


def test_a_broken_sketch_costs_only_itself(run, sketchy):
    broken = sketchy / "256x256/sketch/tx_000000000000/cat/n0002_7-2.png"
    broken.write_bytes(b"")
    found, reasons = run(sketchy, source="sketchy", val=0.35)
    assert len(found) == 20
    assert reasons == {"256x256/photo/tx_000000000000/cat/n0002_7.jpg": "unusable companion n0002_7-2.png: empty file"}
