import imagehash
import numpy as np
import pytest
from PIL import Image

from s2i import images
from s2i.duplicates import motif, near_pairs, without_leaks


def brute_force(hashes, distance):
    differing = (hashes[:, None] != hashes[None]).sum(axis=2)
    return [(i, j) for i in range(len(hashes)) for j in range(i + 1, len(hashes)) if differing[i, j] <= distance]


@pytest.mark.parametrize("distance", [0, 1, 4, 15])
def test_banding_finds_every_near_pair(distance):
    rng = np.random.default_rng(distance)
    hashes = rng.random((120, 64)) < 0.5
    for row in range(40):  # neighbours at every distance from 0 to 19
        hashes[row + 40] = hashes[row]
        flipped = rng.choice(64, row // 2, replace=False)
        hashes[row + 40, flipped] ^= True
    found = list(near_pairs(hashes, distance))
    assert found == brute_force(hashes, distance) and len(found) >= 2 * (distance + 1)


def test_a_photo_saved_smaller_and_as_jpeg_is_a_near_duplicate_and_another_house_is_not(house, tmp_path):
    Image.fromarray(house(1)).save(tmp_path / "a.png")
    Image.fromarray(house(1)).resize((90, 68)).save(tmp_path / "b.jpg", quality=60)
    Image.fromarray(house(2)).save(tmp_path / "c.png")
    pictures = [images.read(tmp_path / name) for name in ("a.png", "b.jpg", "c.png")]
    first, again, other = (imagehash.hex_to_hash(motif(picture)) for picture in pictures)
    assert first - again <= 4 < first - other


@pytest.mark.parametrize(
    ("splits", "kept"),
    [(("train", "test"), ["b"]), (("val", "train"), ["a"]), (("test", "val"), ["a"]), (("train", "train"), ["a", "b"])],
)
def test_of_one_motif_in_two_splits_only_the_held_out_photo_is_used(house, splits, kept):
    records = [
        {"source": name, "motif": motif(house(1)), "split": split} for name, split in zip("ab", splits, strict=True)
    ]
    used, refused = without_leaks(records, distance=4)
    assert [record["source"] for record in used] == kept
    assert [(one.name in kept, one.why) for one in refused] == [(False, "near-duplicate")] * (2 - len(kept))


def test_a_photo_that_is_not_used_takes_no_other_away():
    motifs = ("0" * 16, "f" + "0" * 15, "ff" + "0" * 14)  # a is near b, b is near c, a is not near c
    rows = zip("abc", motifs, ("test", "val", "train"), strict=True)
    records = [{"source": name, "motif": motif, "split": split} for name, motif, split in rows]
    used, refused = without_leaks(records, distance=4)
    assert [record["source"] for record in used] == ["a", "c"] and [one.name for one in refused] == ["b"]
