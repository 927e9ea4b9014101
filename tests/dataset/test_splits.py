from collections import Counter

import numpy as np
import pytest

from s2i.core import cache
from s2i.core.params import Ingest
from s2i.dataset.ingest.splits import splits_of

AS_PRESETS = Ingest(val=0.1, test=0.18)


def photos(*numbers, group=None):
    ids = [cache.fingerprint("photo", number)[:16] for number in numbers]
    return [{"id": photo_id} | ({"group": group} if group else {}) for photo_id in ids]


@pytest.mark.parametrize("seed", range(40))
def test_of_35_photos_six_test_and_four_validate_whatever_the_seed(seed):
    assert Counter(splits_of(photos(*range(35)), seed, AS_PRESETS)) == {"test": 6, "val": 4, "train": 25}


@pytest.mark.parametrize("count", [8, 12, 20, 29, 35, 60])
def test_three_photos_validate_at_least(count):
    for seed in range(10):
        assert splits_of(photos(*range(count)), seed, AS_PRESETS).count("val") >= 3


def test_the_split_has_the_shares_that_were_asked_for_and_hangs_on_the_seed():
    records = photos(*range(4000))
    splits = splits_of(records, 0, Ingest(val=0.1, test=0.2))
    assert Counter(splits) == {"train": 2800, "test": 800, "val": 400}
    assert splits != splits_of(records, 1, Ingest(val=0.1, test=0.2))


def test_the_order_in_which_photos_are_found_changes_nothing():
    records = photos(*range(50))
    splits = splits_of(records, 0, AS_PRESETS)
    assert splits_of(records[::-1], 0, AS_PRESETS)[::-1] == splits


def test_a_new_photo_moves_one_other_at_each_border_at_most():
    numbers = list(range(20))
    for new in range(20, 120):
        before = splits_of(photos(*numbers), 0, AS_PRESETS)
        numbers.append(new)
        after = splits_of(photos(*numbers), 0, AS_PRESETS)[:-1]
        moved = [(old, now) for old, now in zip(before, after, strict=True) if old != now]
        assert len(moved) <= 2 and len({frozenset(move) for move in moved}) == len(moved)
        assert all("train" in move for move in moved), "none goes from test to val or back"


def test_photos_of_one_group_stand_in_one_split_and_the_shares_are_kept():
    rng = np.random.default_rng(0)
    for seed in range(30):
        records = photos(*range(20))
        for building in range(8):
            first = 100 * (building + 1)
            records += photos(*range(first, first + int(rng.integers(2, 6))), group=f"building {building}")
        splits = splits_of(records, seed, AS_PRESETS)
        splits_of_group = {}
        for record, split in zip(records, splits, strict=True):
            splits_of_group.setdefault(record.get("group", record["id"]), set()).add(split)
        assert len(splits_of_group) == 28 and all(len(found) == 1 for found in splits_of_group.values())
        assert splits.count("val") >= 3
        assert abs(splits.count("test") - 0.18 * len(records)) <= 3, "half of the largest group"


@pytest.mark.parametrize("folds", [2, 5, 7])
def test_every_photo_is_tested_with_in_one_fold(folds):
    records = photos(*range(30), *range(100, 103)) + photos(*range(200, 204), group="church")
    tested = Counter()
    for fold in range(folds):
        splits = splits_of(records, 0, Ingest(val=0.1, test=0.18, folds=folds, fold=fold))
        assert splits.count("val") >= 3 and splits.count("train") >= len(records) // 3
        assert abs(splits.count("test") - len(records) / folds) <= 3
        tested.update(index for index, split in enumerate(splits) if split == "test")
    assert tested == dict.fromkeys(range(len(records)), 1)


def test_the_last_fit_trains_with_all_photos():
    assert set(splits_of(photos(*range(35)), 0, Ingest(hold_out=False))) == {"train"}
