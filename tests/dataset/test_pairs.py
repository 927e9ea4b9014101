"""What leaves for other trainers, read as these read it: by their own readers where pip has them."""

import csv
import json
import tomllib
from collections import Counter
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
import yaml
from PIL import Image

from s2i import cli
from s2i.core import records
from s2i.core.errors import UserError
from s2i.core.params import Workers
from s2i.core.records import Records
from s2i.dataset.pairs import shards
from s2i.dataset.pairs.export import LAYOUTS, card, export_pairs
from s2i.dataset.pairs.pairs import Summary, pairs_of
from s2i.imaging import io

LICENCES = [
    {"licence": "CC0-1.0", "author": "Ann"},
    {"licence": "CC-BY-4.0", "source_url": "https://a.b/c"},
    {"licence": "CC-BY-4.0"},
    {},
]


@pytest.fixture
def data(examples, tmp_path):
    """A folder of six examples, four to train on; the second is mirrored, the third has no prompt and no matte."""
    rows = []
    for number, example in enumerate(examples):
        row = example | {"source": f"=house {number}.jpg", "sketch_style": "ink"} | LICENCES[min(number, 3)]
        if number == 2:
            row["prompt"] = ""
        else:
            row["matte"] = str(tmp_path / f"{number}-m.png")
            matte = np.zeros((64, 64), np.uint8)
            matte[:, : 8 + number] = 255
            io.write_png(Path(row["matte"]), matte)
        rows.append(row)
    (tmp_path / "augmented").mkdir()
    records.write(rows, tmp_path / "augmented")
    return tmp_path / "augmented"


@pytest.fixture
def exported(data, tmp_path):
    """exported(layout) writes the data in a layout and gives the folder."""

    def exported(layout):
        export_pairs(Records(data), layout, tmp_path / "out", 0.3, Workers(count=1))
        return tmp_path / "out"

    return exported


def expected(data):
    """By name: photo, sketch, mask and prompt of each example, as a trainer sees them."""
    pairs = {}
    for row in Records(data):
        images = [io.read(row["photo"]), io.read_grey(row["sketch"])]
        images.append(io.read_grey(row["matte"]) if "matte" in row else np.full((64, 64), 255, np.uint8))
        pairs[f"{row['id']}-0"] = (*(image[:, ::-1] if row["flip"] else image for image in images), row["prompt"])
    return pairs


def assert_same(images, wanted):
    for image, array in zip(images, wanted, strict=True):
        assert np.array_equal(np.asarray(image), array)


def test_hugging_face_datasets_reads_splits_images_and_licences(exported, data, tmp_path):
    datasets = pytest.importorskip("datasets")
    loaded = datasets.load_dataset(str(exported("hf")), cache_dir=str(tmp_path / "hub"))
    assert {split: len(rows) for split, rows in loaded.items()} == {"train": 4, "validation": 1, "test": 1}
    wanted = expected(data)
    for rows in loaded.values():
        for row in rows:
            photo, sketch, mask, prompt = wanted[row["name"]]
            assert_same([row["image"], row["conditioning_image"], row["mask"]], [photo, sketch, mask])
            assert row["text"] == prompt and row["sketch_style"] == "ink"
    assert [row["licence"] for row in loaded["train"]] == ["CC0-1.0", "CC-BY-4.0", "CC-BY-4.0", ""]
    assert loaded["train"][0]["author"] == "Ann" and loaded["train"][1]["source_url"] == "https://a.b/c"


def test_hugging_face_datasets_streams_webdataset_too(exported, data):
    datasets = pytest.importorskip("datasets")
    loaded = datasets.load_dataset(str(exported("webdataset")), streaming=True)
    wanted = expected(data)
    for row in loaded["train"]:
        assert_same([row["photo.png"], row["sketch.png"], row["mask.png"]], wanted[row["__key__"]][:3])


def test_parquet_says_what_hugging_face_datasets_needs(exported, data):
    import pyarrow.parquet as pq

    table = pq.read_table(exported("hf") / "data" / "train-00000.parquet")
    features = json.loads(table.schema.metadata[b"huggingface"])["info"]["features"]
    assert set(features) == set(table.column_names)
    assert [name for name, feature in features.items() if feature["_type"] == "Image"] == list(shards.IMAGES)
    wanted = expected(data)
    for row in table.to_pylist():
        images = [Image.open(BytesIO(row[name]["bytes"])) for name in shards.IMAGES]
        assert_same(images, wanted[row["name"]][:3])


def test_webdataset_reads_every_member_of_a_pair(exported, data):
    webdataset = pytest.importorskip("webdataset")
    out, wanted = exported("webdataset"), expected(data)
    assert sorted(path.name for path in out.glob("*.tar")) == [
        "test-00000.tar",
        "train-00000.tar",
        "validation-00000.tar",
    ]
    samples = list(webdataset.WebDataset(str(out / "train-00000.tar"), shardshuffle=False).decode("pilrgb"))
    assert len(samples) == 4
    for sample in samples:
        photo, sketch, mask, prompt = wanted[sample["__key__"]]
        assert_same([sample["photo.png"]], [photo])
        assert_same([sample["sketch.png"].convert("L"), sample["mask.png"].convert("L")], [sketch, mask])
        assert sample["txt"] == prompt and set(sample["json"]) >= {"licence", "author", "source_url", "source"}


def test_full_shards_are_followed_by_others(exported, data, monkeypatch):
    monkeypatch.setattr(shards, "PAIRS_A_SHARD", 3)
    out = exported("webdataset")
    assert [path.name for path in sorted(out.glob("train-*.tar"))] == ["train-00000.tar", "train-00001.tar"]
    monkeypatch.setattr(shards, "PAIRS_A_GROUP", 2)
    files = sorted((exported("hf") / "data").glob("train-*"))
    import pyarrow.parquet as pq

    assert [pq.read_metadata(file).num_rows for file in files] == [3, 1]
    assert pq.read_metadata(files[0]).num_row_groups == 2


def assert_folders(photos, others, data, captions):
    """As kohya's, SimpleTuner's and ai-toolkit's readers pair files: by equal names, captions beside the photos."""
    wanted = expected(data)
    files = sorted(Path(photos).glob("*.png"))
    assert {file.stem for file in files} == captions.keys()
    for kind, index in (("sketches", 1), ("masks", 2)):
        assert sorted(file.name for file in Path(others[kind]).iterdir()) == [file.name for file in files]
        for file in files:
            assert_same([Image.open(Path(others[kind]) / file.name)], [wanted[file.stem][index]])
    for file in files:
        assert_same([Image.open(file)], [wanted[file.stem][0]])
        assert file.with_suffix(".txt").read_text(encoding="utf-8") == captions[file.stem]


def prompts(data, split="train"):
    return {f"{row['id']}-0": row["prompt"] for row in Records(data) if row["split"] == split}


def test_kohya_finds_what_its_documentation_names(exported, data):
    out = exported("kohya")
    others = {}
    for name, kind in (("controlnet", "sketches"), ("masked", "masks")):
        config = tomllib.loads((out / f"{name}.toml").read_text(encoding="utf-8"))
        (dataset,) = config["datasets"]
        (subset,) = dataset.pop("subsets")
        assert dataset == {"resolution": 64, "batch_size": 1}
        assert set(subset) == {"image_dir", "conditioning_data_dir", "caption_extension"}
        assert subset["caption_extension"] == ".txt"
        others[kind] = subset["conditioning_data_dir"]
    captions = {name: f"{prompt}\n" for name, prompt in prompts(data).items()}
    assert_folders(subset["image_dir"], others, data, captions)
    assert all((out / split / "photos").is_dir() for split in ("val", "test"))


def test_simpletuner_finds_what_its_documentation_names_and_no_pair_without_a_prompt(exported, data):
    out = exported("simpletuner")
    others = {}
    for name, kind, conditioning in (
        ("controlnet", "sketches", "controlnet"),
        ("reference", "sketches", "reference_strict"),
        ("masked", "masks", "mask"),
    ):
        photos, conditions, texts = json.loads((out / f"{name}.json").read_text(encoding="utf-8"))
        assert (photos["dataset_type"], photos["caption_strategy"]) == ("image", "textfile")
        assert photos["conditioning_data"] == conditions["id"] and conditions["dataset_type"] == "conditioning"
        assert conditions["conditioning_type"] == conditioning
        assert conditions.get("source_dataset_id", photos["id"]) == photos["id"]
        assert photos["cache_dir_vae"] != conditions["cache_dir_vae"]
        assert texts["dataset_type"] == "text_embeds" and texts["default"] is True
        others[kind] = conditions["instance_data_dir"]
    captions = {name: prompt for name, prompt in prompts(data).items() if prompt}
    assert len(captions) == 3
    assert_folders(photos["instance_data_dir"], others, data, captions)
    assert "1 of the pairs have no prompt and were left out" in (out / "README.md").read_text(encoding="utf-8")


def test_ai_toolkit_finds_what_its_examples_name(exported, data):
    out = exported("ai-toolkit")
    (dataset,) = yaml.safe_load((out / "datasets.yaml").read_text(encoding="utf-8"))["datasets"]
    assert dataset["caption_ext"] == "txt" and dataset["resolution"] == [64] and dataset["mask_min_value"] == 0.3
    others = {"sketches": dataset["control_path"], "masks": dataset["mask_path"]}
    captions = {name: f"{prompt}\n" for name, prompt in prompts(data).items()}
    assert_folders(dataset["folder_path"], others, data, captions)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_the_card_counts_splits_and_licences(exported, layout):
    out = exported(layout)
    text = (out / "README.md").read_text(encoding="utf-8")
    _, header, body = text.split("---\n", 2)
    assert yaml.safe_load(header)["license"] == "other"
    for line in ("| train | 4 |", "| val | 1 |", "| CC0-1.0 | 1 |", "| CC-BY-4.0 | 2 |", "| not known | 3 |"):
        assert line in body
    assert "Of 4 pairs the licence, or both author and source, are not known" in body
    if layout in ("kohya", "simpletuner", "ai-toolkit"):
        with open(out / "pairs.csv", encoding="utf-8", newline="") as table:
            rows = list(csv.DictReader(table))
        assert rows[0]["licence"] == "CC0-1.0" and rows[0]["source"] == "'=house 0.jpg", "no spreadsheet computes it"


def test_a_licence_of_any_text_leaves_the_table_of_the_card_whole():
    summary = Summary(Counter(train=2), Counter({"mine | yours\n# all": 2}), Counter(ink=2))
    assert "\n| mine \\| yours # all | 2 |\n" in card(summary, "hf")
    assert "license: mit\n" in card(Summary(Counter(train=2), Counter({"MIT": 2})), "hf")


def test_a_photo_with_a_caption_gives_a_pair_a_sketch(examples):
    row = {name: examples[0][name] for name in ("id", "photo", "split")}
    row |= {"caption": "a  house\nof red", "sketches": {"xdog": examples[0]["sketch"], "ink": examples[1]["sketch"]}}
    pairs = pairs_of(row)
    assert [pair.name for pair in pairs] == [f"{row['id']}-ink", f"{row['id']}-xdog"]
    assert {pair.prompt for pair in pairs} == {"a house of red"}
    with pytest.raises(UserError, match=r"no sketches or no captions yet: let --data name data/augmented"):
        pairs_of({name: row[name] for name in ("id", "photo", "split", "sketches")})


def test_the_command_writes_pairs_and_replaces_nothing_of_others(data, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    train = "train: {steps: 1, batch_size: 1, learning_rate: 1.0e-4}\nworkers: {count: 1}\n"
    (tmp_path / "params.yaml").write_text(f"base: b\ncontrolnet: c\nrank: 4\nresolution: 64\n{train}")
    cli.main(["export", "--pairs", "simpletuner", "--data", str(data)])
    told = capsys.readouterr().out
    assert "6 pairs (4 not licensed), see README.md there" in told and "1 pairs without a prompt were left out" in told
    assert (tmp_path / "pairs/simpletuner/train/photos").is_dir()
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/notes.txt").write_text("mine")
    with pytest.raises(SystemExit, match=r"holds notes.txt, which s2i did not write"):
        cli.main(["export", "--pairs", "hf", "--data", str(data), "--out", "mine"])
    assert (tmp_path / "mine/notes.txt").read_text() == "mine"
    with pytest.raises(SystemExit, match=r"records.parquet is missing"):
        cli.main(["export", "--pairs", "hf", "--data", "nowhere"])
