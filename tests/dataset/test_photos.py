import errno
import os
import sys
from shutil import copyfile

import numpy as np
import pytest
from helpers.ingest import converted, write_photos_csv
from PIL import Image

from s2i.core import user_files
from s2i.core.errors import UserError
from s2i.imaging import io


def test_every_photo_becomes_a_png_of_its_shape_named_by_the_hash_of_its_bytes(ingest_folder, photo_folder):
    records, figures, reasons = ingest_folder(photo_folder)
    assert figures["photos"] == len(records) == 20 and reasons == {}
    for record in records:
        assert io.read(record["photo"]).shape == (48, 64, 3)
        assert record["photo"].endswith(f"photos/{record['id']}.png") and len(record["id"]) == 16
        assert (record["width"], record["height"]) == (128, 96)
    assert figures["train"] + figures["val"] + figures["test"] == 20


def test_the_second_of_two_identical_photos_is_dropped_as_a_duplicate(ingest_folder, photo_folder):
    (photo_folder / "copy.png").write_bytes((photo_folder / "house-03.png").read_bytes())
    records, figures, reasons = ingest_folder(photo_folder)
    assert reasons == {"house-03.png": "duplicate of copy.png"}
    assert figures["duplicates"] == 1 and len(records) == 20


def test_names_may_have_spaces_and_any_letters(ingest_folder, photo_folder, house):
    name = "Straße mit Häusern 家 1.png"
    Image.fromarray(house(99)).save(photo_folder / name)
    assert converted(ingest_folder, photo_folder, name).shape == (48, 64, 3)


@pytest.mark.skipif(sys.platform != "linux", reason="file names are bytes on Linux")
def test_a_photo_whose_name_is_not_utf8_is_quarantined(ingest_folder, photo_folder, house):
    Image.fromarray(house(99)).save(photo_folder / "cafe.png")
    os.rename(photo_folder / "cafe.png", os.fsencode(photo_folder) + b"/caf\xe9.png")
    records, _, reasons = ingest_folder(photo_folder)
    assert len(records) == 20 and reasons == {r"caf\udce9.png": "name is not UTF-8 (rename the file)"}


def test_an_empty_folder_is_one_clear_sentence(ingest_folder, tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(UserError, match=r"empty holds no photos \(\.avif, .*put some there"):
        ingest_folder(tmp_path / "empty")


def test_a_missing_folder_is_one_clear_sentence(ingest_folder, tmp_path):
    with pytest.raises(UserError, match="nowhere is not a folder: put your photos there"):
        ingest_folder(tmp_path / "nowhere")


def test_too_few_photos_to_test_with_is_one_clear_sentence(ingest_folder, photo_folder):
    with pytest.raises(UserError, match=r"none of the 20 photos .* fell to test: add photos, or raise ingest.test"):
        ingest_folder(photo_folder, test=0)


def test_three_photos_validate_at_least_and_near_duplicates_take_none_of_them(ingest_folder, photo_folder, house):
    for number in range(0, 20, 2):
        Image.fromarray(house(number)).resize((200, 150)).save(photo_folder / f"again-{number:02}.jpg", quality=70)
    for seed in range(5):
        records, figures, _ = ingest_folder(photo_folder, seed=seed, val=0.05)
        assert figures["val"] == 3 and figures["test"] == round(0.3 * len(records))


def test_a_last_fit_needs_no_photo_to_validate_or_to_test_with(ingest_folder, photo_folder):
    _, figures, _ = ingest_folder(photo_folder, hold_out=False)
    assert (figures["train"], figures["val"], figures["test"]) == (20, 0, 0)


def test_more_folds_than_photos_is_one_clear_sentence(ingest_folder, photo_folder):
    with pytest.raises(UserError, match=r"none of the 20 photos .* fell to test: .* lower ingest.folds in params"):
        ingest_folder(photo_folder, folds=70, fold=3)


def note_decoded(monkeypatch) -> list[str]:
    """The names of the files that are decoded from now on."""
    decoded = []

    def noting(decode):
        return lambda path, *rest: decoded.append(path.name) or decode(path, *rest)

    for name in ("decode_photo", "decode_labels"):
        monkeypatch.setattr(io, name, noting(getattr(io, name)))
    return decoded


def test_one_new_photo_costs_one_photo(ingest_folder, photo_folder, house, monkeypatch):
    ingest_folder(photo_folder)
    decoded = note_decoded(monkeypatch)
    Image.fromarray(house(99)).save(photo_folder / "new.png")
    ingest_folder(photo_folder)
    assert decoded == ["new.png"]


def test_what_came_with_a_photo_is_as_large_as_the_photo(ingest_folder, photo_folder, house):
    for number in range(12):
        labels = np.zeros((192, 256), np.uint8)
        labels[:, 128:] = 3
        Image.fromarray(labels).save(photo_folder / f"labels-{number}.png")
        Image.fromarray(labels * 85).save(photo_folder / f"matte-{number}.png")
    rows = [f"house-{number:02}.png,labels-{number}.png,matte-{number}.png,matte-{number}.png" for number in range(12)]
    write_photos_csv(photo_folder, "file,labels,matte,sketch", *rows)
    record = ingest_folder(photo_folder, val=0.3)[0][0]
    labels, matte = io.read_labels(record["truth_labels"]), io.read_labels(record["truth_matte"])
    assert labels.shape == (48, 64) and set(np.unique(labels)) == {0, 3}, "labels are not blended"
    assert (labels[:, :32] == 0).all() and (labels[:, 32:] == 3).all()
    assert matte.shape == io.read_labels(record["given_sketches"][0]).shape == (48, 64)


def test_what_came_with_a_photo_is_read_once_but_checked_each_time(ingest_folder, photo_folder, monkeypatch):
    drawing = np.tile(np.linspace(0, 200, 256).astype(np.uint8), (192, 1))
    for number in range(20):
        for kind in ("labels", "sketch", "matte"):
            Image.fromarray(drawing + number).save(photo_folder / f"{kind}-{number}.png")
    rows = [f"house-{number:02}.png,labels-{number}.png,sketch-{number}.png,matte-{number}.png" for number in range(20)]
    write_photos_csv(photo_folder, "file,labels,sketch,matte", *rows[:19])
    ingest_folder(photo_folder)
    decoded = note_decoded(monkeypatch)
    write_photos_csv(photo_folder, "file,labels,sketch,matte", *rows)
    records, _, _ = ingest_folder(photo_folder)
    new = ["house-19.png", "labels-19.png", "matte-19.png", "sketch-19.png"]
    assert len(records) == 20 and sorted(decoded) == new
    records, _, reasons = ingest_folder(photo_folder, max_megapixels=0.03)
    assert not any(record["given_sketches"] for record in records) and len(reasons) == 20


def test_when_a_split_is_empty_the_sentence_counts_what_is_not_used(ingest_folder, photo_folder):
    write_photos_csv(photo_folder, "file,curved", "house-00.png,yes", "house-01.png,perhaps")
    with pytest.raises(UserError, match=r"none of the 1 photos .*; not used are 1 wrong value, 18 not listed\."):
        ingest_folder(photo_folder)
    write_photos_csv(photo_folder, "file,curved")
    with pytest.raises(UserError, match=r"none of the 20 files in .* can be used \(20 not listed\)"):
        ingest_folder(photo_folder)


def test_a_licensed_photo_is_used_though_a_copy_of_it_has_no_licence(ingest_folder, photo_folder):
    copyfile(photo_folder / "house-19.png", photo_folder / "a-copy.png")
    write_photos_csv(
        photo_folder, "file,licence,author", "a-copy.png,,", *[f"house-{n:02}.png,CC0,me" for n in range(20)]
    )
    records, _, reasons = ingest_folder(photo_folder, require_licence=True)
    assert len(records) == 20 and reasons.keys() == {"a-copy.png"}


@pytest.mark.parametrize(("kind", "mode"), [("png", "RGB"), ("tif", "F")])
def test_labels_that_are_no_numbers_are_named_at_once(ingest_folder, photo_folder, kind, mode):
    Image.new(mode, (128, 96)).save(photo_folder / f"labels.{kind}")
    rows = [f"house-{number:02}.png,{'' if number else f'labels.{kind}'}" for number in range(20)]
    write_photos_csv(photo_folder, "file,labels", *rows)
    records, _, reasons = ingest_folder(photo_folder)
    assert len(records) == 20 and "truth_labels" not in records[0]
    wanted = f"no label map (of mode {mode}: one whole number a pixel is wanted)"
    assert reasons == {"house-00.png": f"unusable companion labels.{kind}: {wanted}"}


def test_photos_without_licence_are_counted_and_refused_when_one_is_required(ingest_folder, photo_folder):
    rows = [f"house-{number:02}.png,{'CC0' if number else ''},{'me' if number > 1 else ''}" for number in range(20)]
    write_photos_csv(photo_folder, "file,licence,author", *rows)
    records, figures, reasons = ingest_folder(photo_folder)
    assert len(records) == 20 and figures["unlicensed"] == 2 and reasons == {}
    records, figures, reasons = ingest_folder(photo_folder, require_licence=True)
    assert len(records) == 18 and figures["unlicensed"] == 0
    assert reasons.keys() == {"house-00.png", "house-01.png"}
    assert reasons["house-00.png"] == ("no licence with an author or a source_url, and ingest.require_licence is on")


def test_a_motif_never_stands_in_two_splits(ingest_folder, photo_folder, house):
    for number in range(20):
        Image.fromarray(house(number)).resize((200, 150)).save(photo_folder / f"again-{number:02}.jpg", quality=70)
    records, figures, reasons = ingest_folder(photo_folder)
    motifs = {}
    for record in records:
        motifs.setdefault(record["source"].split("-")[1][:2], set()).add(record["split"])
    assert len(motifs) == 20 and all(len(splits) == 1 for splits in motifs.values())
    assert len(records) + figures["near_duplicates"] == 40 and figures["near_duplicates"] > 0
    assert all(reason.startswith("near-duplicate of ") for reason in reasons.values())
    written = (photo_folder.parent / "target/photos").iterdir()
    assert {file.name for file in written} == {f"{record['id']}.png" for record in records}


def test_when_every_photo_is_refused_the_sentence_counts_the_reasons(ingest_folder, photo_folder):
    with pytest.raises(UserError, match=r"none of the 20 files in .* can be used \(20 no licence\)"):
        ingest_folder(photo_folder, require_licence=True)


def test_a_photo_that_is_replaced_after_it_was_read_stands_under_the_hash_of_what_was_read(
    ingest_folder, photo_folder, house, monkeypatch
):
    """With thousands of photos minutes lie between the two passes."""
    from s2i.dataset.ingest import conversion, photos

    expected = {record["id"]: io.read(record["photo"]) for record in ingest_folder(photo_folder)[0]}
    convert = conversion.convert

    def replaced(identified, conversion):
        Image.fromarray(house(77)).save(identified.photo.file)
        return convert(identified, conversion)

    monkeypatch.setattr(photos, "convert", replaced)
    monkeypatch.setenv("S2I_CACHE", str(photo_folder.parent / "fresh"))
    records, _, reasons = ingest_folder(photo_folder)
    assert reasons == {} and len(records) == 20
    assert all((io.read(record["photo"]) == expected[record["id"]]).all() for record in records)


def test_a_photo_that_is_replaced_and_whose_pixels_are_lost_is_refused(ingest_folder, photo_folder, house, monkeypatch):
    from s2i.dataset.ingest import conversion, photos

    cache = photo_folder.parent / "fresh"
    convert = conversion.convert

    def replaced(identified, conversion):
        if identified.photo.name == "house-03.png":
            Image.fromarray(house(77)).save(identified.photo.file)
            for file in (cache / "work").rglob("*.png"):
                file.unlink()
        return convert(identified, conversion)

    monkeypatch.setattr(photos, "convert", replaced)
    monkeypatch.setenv("S2I_CACHE", str(cache))
    records, _, reasons = ingest_folder(photo_folder)
    assert reasons == {"house-03.png": "changed while it was read (run again)"} and len(records) == 19


@pytest.mark.parametrize(("width", "height"), [(1, 1), (31, 20), (20, 31), (10, 200)])
def test_a_photo_that_would_have_to_be_enlarged_more_than_twice_is_quarantined(
    ingest_folder, photo_folder, width, height
):
    noise = np.random.default_rng(0).integers(0, 255, (height, width, 3), np.uint8)
    Image.fromarray(noise).save(photo_folder / "x.png")
    _, _, reasons = ingest_folder(photo_folder)
    assert reasons == {"x.png": f"too small ({width} x {height} for a resolution of 64)"}


def test_a_photo_and_a_sketch_that_show_nothing_are_quarantined(ingest_folder, photo_folder):
    Image.new("RGB", (80, 80), "red").save(photo_folder / "red.png")
    Image.new("L", (128, 96), 255).save(photo_folder / "white.png")
    rows = ["red.png,", *[f"house-{number:02}.png,{'' if number else 'white.png'}" for number in range(20)]]
    write_photos_csv(photo_folder, "file,sketch", *rows)
    records, _, reasons = ingest_folder(photo_folder)
    assert reasons == {"red.png": "blank", "house-00.png": "unusable companion white.png: blank"}
    assert len(records) == 20 and not any(record["given_sketches"] for record in records)


@pytest.mark.parametrize("suffix", ["png", "jpg"])
def test_a_sketch_that_is_its_photo_is_named(ingest_folder, photo_folder, house, suffix):
    Image.fromarray(house(0)).save(photo_folder / f"same.{suffix}")
    rows = [f"house-{number:02}.png,{'' if number else f'same.{suffix}'}" for number in range(20)]
    write_photos_csv(photo_folder, "file,sketch", *rows)
    records, _, reasons = ingest_folder(photo_folder)
    assert reasons == {"house-00.png": f"unusable companion same.{suffix}: the photo itself and no sketch of it"}
    assert len(records) == 20 and not any(record["given_sketches"] for record in records)


def test_a_disk_that_fails_ends_the_run_and_quarantines_nothing(ingest_folder, photo_folder, monkeypatch):
    def fail(path, size):
        raise user_files.explained(path, OSError(errno.EIO, "Input/output error"))

    monkeypatch.setattr(user_files, "read_bytes", fail)
    with pytest.raises(UserError, match=r"house-00.png cannot be read: Input/output error; see to the disk"):
        ingest_folder(photo_folder)
