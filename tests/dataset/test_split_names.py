"""Names of splits, and splits that come with photos."""

import pytest
from helpers.ingest import write_photos_csv

from s2i.dataset.ingest.sources import split_names


@pytest.mark.parametrize(
    ("path", "split"),
    [
        ("data/train-00000-of-00002.parquet", "train"),
        ("validation.tar", "val"),
        ("test_0.tar", "test"),
        ("dev/0.tar", "val"),
        ("trains-0.tar", None),
        ("houses-test.tar", None),
        ("0.tar", None),
    ],
)
def test_a_shard_names_its_split_as_the_library_datasets_reads_it(path, split):
    assert split_names.of_shard(path) == split


def test_a_photo_is_of_the_split_of_a_folder_and_not_of_its_own_name():
    assert split_names.of_folder("Validation/cat/1.png") == "val" and split_names.of_folder("cat/test.png") is None


def test_splits_of_photos_csv_stay_and_those_that_are_missing_are_taken_from_train(ingest_folder, photo_folder):
    names = ["train"] * 14 + ["validation"] * 5 + ["later"]
    write_photos_csv(
        photo_folder, "file,split", *[f"house-{number:02}.png,{name}" for number, name in enumerate(names)]
    )
    records, _, reasons = ingest_folder(photo_folder, val=0.3, test=0.3)
    of = {int(record["source"][6:8]): record["split"] for record in records}
    assert all(of[number] == "val" for number in range(14, 19)) and len(of) == 19
    assert {of[number] for number in range(14)} == {"train", "test"}
    assert reasons == {
        "house-19.png": "wrong value split is 'later', not train, val or test (photos.csv line 21)",
    }
