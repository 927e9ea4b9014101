import csv
import os
import struct
import sys
import zlib
from shutil import copyfile

import numpy as np
import pytest
from PIL import Image, ImageCms

from s2i.core.errors import UserError
from s2i.core.params import Ingest
from s2i.dataset.ingest.photos import ingest, split_of
from s2i.imaging import io


@pytest.fixture
def run(tmp_path, workers):
    """run(folder) ingests at 64 pixels and gives records, figures and {file: reason} of quarantine.csv."""

    def run(folder, **params):
        target = tmp_path / "target"
        target.mkdir(exist_ok=True)
        records, figures = ingest(folder, target, 64, 0, Ingest(**params), workers)
        with open(target / "quarantine.csv", encoding="utf-8", newline="") as lines:
            return records, figures, {row["file"]: row["reason"] for row in csv.DictReader(lines)}

    return run


def quarantined(run, folder, name, content):
    (folder / name).write_bytes(content)
    records, figures, reasons = run(folder)
    assert len(records) == 20 and figures["quarantined"] == 1, "the run goes on with the good photos"
    assert set(reasons) == {name}
    return reasons[name]


def converted(run, folder, name):
    """The normalised image of one odd photo among the twenty."""
    records, _, reasons = run(folder)
    assert reasons == {} and len(records) == 21
    (record,) = (record for record in records if record["source"] == name)
    return io.read(record["photo"])


def table(folder, *lines):
    (folder / "photos.csv").write_text("\n".join(lines), encoding="utf-8")


def test_every_photo_becomes_a_square_png_named_by_the_hash_of_its_bytes(run, photo_folder):
    records, figures, reasons = run(photo_folder)
    assert figures["photos"] == len(records) == 20 and reasons == {}
    for record in records:
        assert io.read(record["photo"]).shape == (64, 64, 3)
        assert record["photo"].endswith(f"photos/{record['id']}.png") and len(record["id"]) == 16
        assert (record["width"], record["height"]) == (128, 96)
    assert figures["train"] + figures["val"] + figures["test"] == 20


def test_a_truncated_jpeg_is_quarantined_with_its_reason(run, photo_folder, house, tmp_path):
    Image.fromarray(house(99)).save(tmp_path / "whole.jpg")
    half = (tmp_path / "whole.jpg").read_bytes()[:1500]
    assert quarantined(run, photo_folder, "half.jpg", half).startswith("truncated")


def test_a_truncated_png_is_quarantined_with_its_reason(run, photo_folder):
    half = (photo_folder / "house-00.png").read_bytes()[:9000]
    assert quarantined(run, photo_folder, "half.png", half).startswith("truncated")


def test_a_text_file_named_png_is_quarantined_with_its_reason(run, photo_folder):
    assert quarantined(run, photo_folder, "notes.png", b"not an image at all\n" * 20) == "not an image"


def test_an_empty_file_is_quarantined_with_its_reason(run, photo_folder):
    assert quarantined(run, photo_folder, "nothing.jpg", b"") == "empty file"


def test_a_decompression_bomb_is_refused_from_its_header(run, photo_folder):
    header = b"IHDR" + struct.pack(">IIBBBBB", 50_000, 50_000, 8, 2, 0, 0, 0)
    data = b"IDAT" + zlib.compress(b"\0" * 1000)
    bomb = b"\x89PNG\r\n\x1a\n"
    for chunk in (header, data):
        bomb += struct.pack(">I", len(chunk) - 4) + chunk + struct.pack(">I", zlib.crc32(chunk))
    assert quarantined(run, photo_folder, "bomb.png", bomb) == "more than 178 megapixels"


def test_a_photo_above_the_users_own_limit_is_refused_with_its_size(run, photo_folder, house):
    Image.fromarray(np.tile(house(99), (2, 2, 1))).save(photo_folder / "large.png")
    _, _, reasons = run(photo_folder, max_megapixels=0.02)
    assert reasons == {"large.png": "more than 0.02 megapixels (256 x 192)"}


def test_a_broken_link_is_quarantined_with_its_reason(run, photo_folder):
    os.symlink("gone.jpg", photo_folder / "link.jpg")
    _, _, reasons = run(photo_folder)
    assert reasons == {"link.jpg": "broken link"}


def test_a_format_that_is_not_read_is_quarantined_with_its_remedy(run, photo_folder, monkeypatch):
    monkeypatch.setattr(io, "readable", lambda: io.PHOTO_SUFFIXES - {".heic", ".heif"})
    reason = quarantined(run, photo_folder, "phone.HEIC", b"....ftypheic")
    remedy = "(convert it to .jpg or .png, or pip install -e '.[heic]' and dvc repro --force ingest)"
    assert reason == f".heic is not read {remedy}"


def test_the_second_of_two_identical_photos_is_dropped_as_a_duplicate(run, photo_folder):
    (photo_folder / "copy.png").write_bytes((photo_folder / "house-03.png").read_bytes())
    records, figures, reasons = run(photo_folder)
    assert reasons == {"house-03.png": "duplicate of copy.png"}
    assert figures["duplicates"] == 1 and len(records) == 20


def test_a_cmyk_jpeg_becomes_rgb_of_the_same_colours(run, photo_folder, house):
    image = Image.fromarray(house(99))
    image.convert("CMYK").save(photo_folder / "print.jpg", quality=95)
    expected = io.resize_and_crop(np.asarray(image), 64)
    assert np.abs(converted(run, photo_folder, "print.jpg").astype(int) - expected).mean() < 4


@pytest.fixture(params=["avif", "heic"])
def new_format(request):
    """The suffix of a format that not every machine reads."""
    if request.param == "heic":
        pytest.importorskip("pillow_heif")
    if f".{request.param}" not in io.readable():
        pytest.skip(f"Pillow is built without {request.param}")
    return request.param


def test_a_photo_of_a_phone_is_read_upright_whatever_its_format(run, photo_folder, house, new_format):
    image, turned = Image.fromarray(house(99)), Image.Exif()
    turned[io.ORIENTATION] = 6  # what was the top is at its right
    image.save(photo_folder / f"phone.{new_format}", quality=95, exif=turned.tobytes())
    expected = io.resize_and_crop(np.asarray(image.rotate(-90, expand=True)), 64)
    assert np.abs(converted(run, photo_folder, f"phone.{new_format}").astype(int) - expected).mean() < 4
    assert io.photo_size(photo_folder / f"phone.{new_format}", 178) == (96, 128)


def test_a_cut_off_or_too_large_photo_of_a_phone_is_quarantined(run, photo_folder, house, new_format):
    whole, half = photo_folder / f"whole.{new_format}", photo_folder / f"half.{new_format}"
    Image.fromarray(house(98)).save(whole)
    half.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    Image.fromarray(np.tile(house(99), (2, 2, 1))).save(whole)
    records, _, reasons = run(photo_folder, max_megapixels=0.02)
    assert len(records) == 20 and reasons[whole.name] == "more than 0.02 megapixels (256 x 192)"
    assert reasons[half.name].startswith(("broken image", "truncated", "not an image"))


def test_a_transparent_photo_of_a_phone_is_laid_on_white(run, photo_folder, house, new_format):
    image = Image.fromarray(house(99))
    image.putalpha(Image.fromarray(np.tile(np.linspace(0, 255, 128).astype(np.uint8), (96, 1))))
    image.save(photo_folder / f"cut.{new_format}", quality=95)
    white = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image).convert("RGB")
    expected = io.resize_and_crop(np.asarray(white), 64)
    assert np.abs(converted(run, photo_folder, f"cut.{new_format}").astype(int) - expected).mean() < 4


def test_a_16_bit_photo_keeps_its_tones(run, photo_folder):
    ramp = np.tile(np.linspace(0, 65535, 128).astype(np.uint16), (128, 1))
    Image.fromarray(ramp).save(photo_folder / "deep.png")
    image = converted(run, photo_folder, "deep.png")
    assert image[:, 0].max() < 8 and abs(int(image[32, 32, 0]) - 128) < 8 and image[:, -1].min() > 247


def test_a_transparent_palette_is_laid_on_white(run, photo_folder):
    image = Image.new("P", (80, 80), 0)
    image.putpalette([0, 0, 0, 200, 0, 0])
    image.paste(1, (40, 0, 80, 80))
    image.save(photo_folder / "icon.png", transparency=0)
    image = converted(run, photo_folder, "icon.png")
    assert tuple(image[30, 10]) == (255, 255, 255) and tuple(image[30, 50]) == (200, 0, 0)


def test_the_first_frame_stands_for_an_animation(run, photo_folder):
    frames = [Image.new("RGB", (80, 80), color) for color in ("red", "blue", "green")]
    frames[0].save(photo_folder / "moving.gif", save_all=True, append_images=frames[1:])
    assert tuple(converted(run, photo_folder, "moving.gif")[30, 30]) == (255, 0, 0)


def test_a_photo_is_turned_as_its_exif_says(run, photo_folder):
    image = Image.new("RGB", (100, 80), "red")
    image.paste("blue", (0, 0, 50, 80))
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned by 90 degrees clockwise: left becomes top
    image.save(photo_folder / "turned.png", exif=exif)
    turned = converted(run, photo_folder, "turned.png")
    assert tuple(turned[5, 32]) == (0, 0, 255) and tuple(turned[58, 32]) == (255, 0, 0)


def test_an_embedded_colour_profile_is_brought_to_srgb(run, photo_folder):
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    swapped = srgb.replace(b"rXYZ", b"....").replace(b"bXYZ", b"rXYZ").replace(b"....", b"bXYZ")
    Image.new("RGB", (80, 80), "red").save(photo_folder / "profiled.png", icc_profile=swapped)
    red, _, blue = converted(run, photo_folder, "profiled.png")[30, 30]
    assert red < 10 and blue > 245


def test_a_broken_colour_profile_is_ignored(run, photo_folder):
    Image.new("RGB", (80, 80), (10, 20, 30)).save(photo_folder / "odd.png", icc_profile=b"no profile")
    assert tuple(converted(run, photo_folder, "odd.png")[30, 30]) == (10, 20, 30)


def test_names_may_have_spaces_and_any_letters(run, photo_folder, house):
    name = "Straße mit Häusern 家 1.png"
    Image.fromarray(house(99)).save(photo_folder / name)
    assert converted(run, photo_folder, name).shape == (64, 64, 3)


@pytest.mark.skipif(sys.platform != "linux", reason="file names are bytes on Linux")
def test_a_photo_whose_name_is_not_utf8_is_quarantined(run, photo_folder, house):
    Image.fromarray(house(99)).save(photo_folder / "cafe.png")
    os.rename(photo_folder / "cafe.png", os.fsencode(photo_folder) + b"/caf\xe9.png")
    records, _, reasons = run(photo_folder)
    assert len(records) == 20 and reasons == {r"caf\udce9.png": "name is not UTF-8 (rename the file)"}


def test_an_empty_folder_is_one_clear_sentence(run, tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(UserError, match=r"empty holds no photos \(\.avif, .*put some there"):
        run(tmp_path / "empty")


def test_a_missing_folder_is_one_clear_sentence(run, tmp_path):
    with pytest.raises(UserError, match="nowhere is not a folder: put your photos there"):
        run(tmp_path / "nowhere")


def test_too_few_photos_to_test_with_is_one_clear_sentence(run, photo_folder):
    with pytest.raises(UserError, match=r"none of the 20 photos .* fell to test: add photos, or raise ingest.test"):
        run(photo_folder, test=0)


def test_photos_stay_in_their_split_when_others_come(run, photo_folder, house):
    before = {record["id"]: record["split"] for record in run(photo_folder)[0]}
    for number in range(100, 120):
        Image.fromarray(house(number)).save(photo_folder / f"a-{number}.png")
    after = {record["id"]: record["split"] for record in run(photo_folder)[0]}
    assert len(after) == 40 and before.items() <= after.items()


def test_the_split_has_the_shares_that_were_asked_for():
    splits = [split_of(f"{number:016x}", 0, val=0.1, test=0.2) for number in range(4000)]
    assert abs(splits.count("test") / 4000 - 0.2) < 0.03 and abs(splits.count("val") / 4000 - 0.1) < 0.03
    assert splits != [split_of(f"{number:016x}", 1, val=0.1, test=0.2) for number in range(4000)]


def test_one_new_photo_costs_one_photo(run, photo_folder, house, monkeypatch):
    run(photo_folder)
    decoded = []
    read_photo = io.read_photo
    monkeypatch.setattr(io, "read_photo", lambda path, limit: decoded.append(path.name) or read_photo(path, limit))
    Image.fromarray(house(99)).save(photo_folder / "new.png")
    run(photo_folder)
    assert decoded == ["new.png"]


def test_photos_csv_says_which_photos_there_are_and_what_they_show(run, photo_folder):
    rows = [f"house-{number:02}.png,CC0,barn,red,true,{number},9" for number in range(12)]
    table(photo_folder, "file,licence,structure,color,curved,windows,depth", *rows)
    records, figures, reasons = run(photo_folder, val=0.3)
    reasons = {file: reason for file, reason in reasons.items() if reason != "not listed in photos.csv"}
    assert len(records) == 12 and reasons == {} and figures["licences"] == {"CC0": 12}
    assert {"structure": "barn", "color": "red", "curved": True, "windows": 7}.items() <= records[7].items()


def test_what_came_with_a_photo_is_cropped_as_the_photo_is(run, photo_folder, house):
    for number in range(12):
        labels = np.zeros((192, 256), np.uint8)
        labels[:, 128:] = 3
        Image.fromarray(labels).save(photo_folder / f"labels-{number}.png")
        Image.fromarray(labels * 85).save(photo_folder / f"matte-{number}.png")
    rows = [f"house-{number:02}.png,labels-{number}.png,matte-{number}.png,matte-{number}.png" for number in range(12)]
    table(photo_folder, "file,labels,matte,sketch", *rows)
    record = run(photo_folder, val=0.3)[0][0]
    labels, matte = io.read_labels(record["truth_labels"]), io.read_labels(record["truth_matte"])
    assert labels.shape == (64, 64) and set(np.unique(labels)) == {0, 3}, "labels are not blended"
    assert (labels[:, :32] == 0).all() and (labels[:, 32:] == 3).all()
    assert matte.shape == io.read_labels(record["given_sketches"][0]).shape == (64, 64)


def test_what_came_with_a_photo_is_read_once_but_checked_each_time(run, photo_folder, monkeypatch):
    for number in range(20):
        for kind in ("labels", "sketch", "matte"):
            Image.new("L", (256, 192), number).save(photo_folder / f"{kind}-{number}.png")
    rows = [f"house-{number:02}.png,labels-{number}.png,sketch-{number}.png,matte-{number}.png" for number in range(20)]
    table(photo_folder, "file,labels,sketch,matte", *rows[:19])
    run(photo_folder)
    decoded = []
    read_photo, read_labels = io.read_photo, io.read_labels
    monkeypatch.setattr(io, "read_photo", lambda path, limit: decoded.append(path.name) or read_photo(path, limit))
    monkeypatch.setattr(io, "read_labels", lambda path: decoded.append(path.name) or read_labels(path))
    table(photo_folder, "file,labels,sketch,matte", *rows)
    records, _, _ = run(photo_folder)
    # The new sketch and matte are the same bytes.
    assert len(records) == 20 and sorted(decoded) == ["house-19.png", "labels-19.png", "sketch-19.png"]
    records, _, reasons = run(photo_folder, max_megapixels=0.03)
    assert not any(record["given_sketches"] for record in records) and len(reasons) == 20


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
def test_a_bad_row_of_photos_csv_is_quarantined_with_its_line(run, photo_folder, row, reason):
    Image.new("L", (10, 90)).save(photo_folder / "tall.png")
    rows = [f"house-{number:02}.png,,," for number in range(19)] + ["# nothing.png,,,"]
    table(photo_folder, "file,sketch,color,windows", *rows, row)
    records, _, reasons = run(photo_folder)
    assert len(records) == 19 + ("companion" in reason) and reason in reasons.values(), "it outlives its companions"


def test_columns_and_photos_that_photos_csv_does_not_know_are_named(run, photo_folder):
    table(photo_folder, "file,colour,owner", *[f"house-{number:02}.png,red,me" for number in range(19)])
    (photo_folder / "nested").mkdir()
    (photo_folder / "house-19.png").rename(photo_folder / "nested/house-19.png")
    records, figures, _ = run(photo_folder)
    with open(photo_folder.parent / "target/quarantine.csv", encoding="utf-8") as lines:
        assert lines.read().splitlines()[1:] == [
            "photos.csv,\"unknown column 'colour', did you mean 'color'?\"",
            "photos.csv,unknown column 'owner'",
            "nested/house-19.png,not listed in photos.csv",
        ]
    assert len(records) == 19 and figures["quarantined"] == 3


def test_a_comma_too_many_in_the_header_costs_no_photo(run, photo_folder):
    table(photo_folder, "file,color,", *[f"house-{number:02}.png,red," for number in range(20)], ",,")
    records, _, reasons = run(photo_folder)
    assert len(records) == 20 and reasons == {}
    table(photo_folder, "file,color,", *[f"house-{number:02}.png,red,{number}" for number in range(20)])
    assert run(photo_folder)[2] == {"photos.csv": "unknown column without a name"}


@pytest.mark.parametrize("mark", [";", "\t"])
def test_photos_csv_as_spreadsheets_write_it_is_understood(run, photo_folder, mark):
    lines = [f"house-{number:02}.png{mark}barn, red" for number in range(20)]
    table(photo_folder, f" File{mark}Caption ", *lines, mark)
    records, _, reasons = run(photo_folder)
    assert len(records) == 20 and reasons == {} and {record["given_caption"] for record in records} == {"barn, red"}


def test_when_a_split_is_empty_the_sentence_counts_what_is_not_used(run, photo_folder):
    table(photo_folder, "file,curved", "house-00.png,yes", "house-01.png,perhaps")
    with pytest.raises(UserError, match=r"none of the 1 photos .*; not used are 1 wrong value, 18 not listed\."):
        run(photo_folder)
    table(photo_folder, "file,curved")
    with pytest.raises(UserError, match=r"none of the 20 files in .* can be used \(20 not listed\)"):
        run(photo_folder)


@pytest.mark.parametrize("full", [1, 255, 65535])
def test_a_photo_of_fractions_keeps_its_tones(run, photo_folder, full):
    ramp = np.tile(np.linspace(0, full, 128, dtype=np.float32), (128, 1))
    Image.fromarray(ramp).save(photo_folder / "deep.tif")
    image = converted(run, photo_folder, "deep.tif")
    assert image[:, 0].max() < 8 and abs(int(image[32, 32, 0]) - 128) < 8 and image[:, -1].min() > 247


def test_a_licensed_photo_is_used_though_a_copy_of_it_has_no_licence(run, photo_folder):
    copyfile(photo_folder / "house-19.png", photo_folder / "a-copy.png")
    table(photo_folder, "file,licence,author", "a-copy.png,,", *[f"house-{n:02}.png,CC0,me" for n in range(20)])
    records, _, reasons = run(photo_folder, require_licence=True)
    assert len(records) == 20 and reasons.keys() == {"a-copy.png"}


def test_folders_that_are_not_entered_are_named(run, photo_folder, tmp_path, house):
    (tmp_path / "more").mkdir()
    (photo_folder / "album").symlink_to(tmp_path / "more")
    (photo_folder / "photos.tar").mkdir()
    Image.fromarray(house(99)).save(photo_folder / "photos.tar/house.jfif", "JPEG")
    (photo_folder / "locked").mkdir(0o000)
    records, _, reasons = run(photo_folder)
    assert len(records) == 21
    locked = {} if os.access(photo_folder / "locked", os.R_OK) else {"locked": "folder that cannot be opened"}  # root
    assert reasons == {"album": "linked folder, which is not entered"} | locked


@pytest.mark.parametrize(("kind", "mode"), [("png", "RGB"), ("tif", "F")])
def test_labels_that_are_no_numbers_are_named_at_once(run, photo_folder, kind, mode):
    Image.new(mode, (128, 96)).save(photo_folder / f"labels.{kind}")
    rows = [f"house-{number:02}.png,{'' if number else f'labels.{kind}'}" for number in range(20)]
    table(photo_folder, "file,labels", *rows)
    records, _, reasons = run(photo_folder)
    assert len(records) == 20 and "truth_labels" not in records[0]
    wanted = f"no label map (of mode {mode}: one whole number a pixel is wanted)"
    assert reasons == {"house-00.png": f"unusable companion labels.{kind}: {wanted}"}


def test_photos_csv_in_another_encoding_or_with_a_column_twice_is_one_clear_sentence(run, photo_folder):
    (photo_folder / "photos.csv").write_bytes("file,author\n,\nhouse-00.png,Käthe\n".encode("latin-1"))
    with pytest.raises(UserError, match=r"photos.csv line 3 is not UTF-8: save the file in UTF-8"):
        run(photo_folder)
    table(photo_folder, "file,color,color", "house-00.png,red,blue")
    with pytest.raises(UserError, match=r"photos.csv has the column 'color' twice: keep one"):
        run(photo_folder)


def test_photos_without_licence_are_counted_and_refused_when_one_is_required(run, photo_folder):
    rows = [f"house-{number:02}.png,{'CC0' if number else ''},{'me' if number > 1 else ''}" for number in range(20)]
    table(photo_folder, "file,licence,author", *rows)
    records, figures, reasons = run(photo_folder)
    assert len(records) == 20 and figures["unlicensed"] == 2 and reasons == {}
    records, figures, reasons = run(photo_folder, require_licence=True)
    assert len(records) == 18 and figures["unlicensed"] == 0
    assert reasons.keys() == {"house-00.png", "house-01.png"}
    assert reasons["house-00.png"] == ("no licence with an author or a source_url, and ingest.require_licence is on")


def test_a_motif_never_stands_in_two_splits_and_no_photo_moves_for_it(run, photo_folder, house):
    before = {record["id"]: record["split"] for record in run(photo_folder)[0]}
    for number in range(20):
        Image.fromarray(house(number)).resize((200, 150)).save(photo_folder / f"again-{number:02}.jpg", quality=70)
    records, figures, reasons = run(photo_folder)
    motifs = {}
    for record in records:
        motifs.setdefault(record["source"].split("-")[1][:2], set()).add(record["split"])
        assert before.get(record["id"], record["split"]) == record["split"]
    assert len(motifs) == 20 and all(len(splits) == 1 for splits in motifs.values())
    assert len(records) + figures["near_duplicates"] == 40 and figures["near_duplicates"] > 0
    assert all(reason.startswith("near-duplicate of ") for reason in reasons.values())
    written = (photo_folder.parent / "target/photos").iterdir()
    assert {file.name for file in written} == {f"{record['id']}.png" for record in records}


def test_a_row_with_a_cell_too_many_and_a_path_with_a_dot_are_understood(run, photo_folder):
    rows = [f"./house-{number:02}.png,a house" for number in range(19)]
    table(photo_folder, "file,caption", *rows, "house-19.png,red, with a door")
    records, _, reasons = run(photo_folder)
    assert len(records) == 19
    assert reasons == {"house-19.png": "not listed in photos.csv"} or "row does not fit" in reasons["house-19.png"]


def test_when_every_photo_is_refused_the_sentence_counts_the_reasons(run, photo_folder):
    with pytest.raises(UserError, match=r"none of the 20 files in .* can be used \(20 no licence\)"):
        run(photo_folder, require_licence=True)


def test_a_photos_csv_without_files_is_one_clear_sentence(run, photo_folder):
    table(photo_folder, "photo,color", "house-00.png,red")
    with pytest.raises(UserError, match=r"photos.csv has no column 'file'"):
        run(photo_folder)
