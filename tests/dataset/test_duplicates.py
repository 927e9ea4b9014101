import tracemalloc

import imagehash
import numpy as np
import pytest
from PIL import Image

from s2i.dataset.ingest.duplicates import first_near, motif, motifs, without_leaks
from s2i.imaging import io


def as_record(name, image, split):
    as_it_is, mirrored = motifs(image)
    return {"source": name, "motif": as_it_is, "mirrored_motif": mirrored, "split": split}


@pytest.mark.parametrize("distance", [0, 1, 4, 15])
def test_banding_finds_whatever_is_near(distance):
    rng = np.random.default_rng(distance)
    others = rng.random((120, 64)) < 0.5
    others[100:] = others[50:70]
    hashes = np.concatenate([others[40:80], rng.random((40, 64)) < 0.5])
    for row in range(40):  # neighbours at every distance from 0 to 19
        hashes[row, rng.choice(64, row // 2, replace=False)] ^= True
    near = (hashes[:, None] != others[None]).sum(axis=2) <= distance
    expected = [int(row.argmax()) if row.any() else None for row in near]
    found = first_near(hashes, others, distance)
    assert found == expected and len(found) - found.count(None) >= 2 * (distance + 1)


def test_very_many_photos_of_one_motif_take_no_time_and_memory():
    alike = np.zeros((20_000, 64), bool)
    tracemalloc.start()
    assert first_near(alike, alike, 4) == [0] * 20_000
    assert tracemalloc.get_traced_memory()[1] < 100 * 2**20
    tracemalloc.stop()


def test_a_photo_saved_smaller_and_as_jpeg_is_a_near_duplicate_and_another_house_is_not(house, tmp_path):
    Image.fromarray(house(1)).save(tmp_path / "a.png")
    Image.fromarray(house(1)).resize((90, 68)).save(tmp_path / "b.jpg", quality=60)
    Image.fromarray(house(2)).save(tmp_path / "c.png")
    images = [io.read(tmp_path / name) for name in ("a.png", "b.jpg", "c.png")]
    first, again, other = (imagehash.hex_to_hash(motif(image)) for image in images)
    assert first - again <= 4 < first - other


@pytest.mark.parametrize(
    ("splits", "kept"),
    [(("train", "test"), ["b"]), (("val", "train"), ["a"]), (("test", "val"), ["a"]), (("train", "train"), ["a", "b"])],
)
def test_of_one_motif_in_two_splits_only_the_held_out_photo_is_used(house, splits, kept):
    records = [as_record(name, house(1), split) for name, split in zip("ab", splits, strict=True)]
    used, refused = without_leaks(records, distance=4)
    assert [record["source"] for record in used] == kept
    assert [(one.name in kept, one.why) for one in refused] == [(False, "near-duplicate")] * (2 - len(kept))


def test_a_mirrored_copy_in_another_split_is_found_since_training_mirrors_photos(house):
    photo, other = house(1), house(2)
    records = [as_record("a", photo, "test"), as_record("b", photo[:, ::-1], "train"), as_record("c", other, "train")]
    used, refused = without_leaks(records, distance=4)
    assert [record["source"] for record in used] == ["a", "c"]
    assert [(one.name, one.detail) for one in refused] == [("b", "of a, mirrored, which is in test")]


def test_a_photo_that_is_not_used_takes_no_other_away():
    motifs = ("0" * 16, "f" + "0" * 15, "ff" + "0" * 14)  # a is near b, b is near c, a is not near c
    rows = zip("abc", motifs, ("test", "val", "train"), strict=True)
    records = [
        {"source": name, "motif": motif, "mirrored_motif": "a" * 16, "split": split} for name, motif, split in rows
    ]
    used, refused = without_leaks(records, distance=4)
    assert [record["source"] for record in used] == ["a", "c"] and [one.name for one in refused] == ["b"]
