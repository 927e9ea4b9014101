"""The paired and the Sketchy layout from ingest to augment, on images of the repository's own corpus."""

import json
from pathlib import Path
from shutil import copyfile, copytree

import pytest
from PIL import Image

from s2i.core import quarantine
from s2i.core.params import Augment, Caption, Ingest, Matte, Pair
from s2i.core.records import Records, write
from s2i.dataset.augmentation.examples import augment
from s2i.dataset.captioning.captions import caption
from s2i.dataset.ingest.photos import ingest
from s2i.dataset.matting.mattes import cut_backgrounds
from s2i.dataset.sketching.sketches import draw_sketch, pair
from s2i.imaging import io

DATA = Path(__file__).parents[2] / "data"
CORPUS = sorted((DATA / "photos/photos").glob("*.jpg"))[:12]


@pytest.fixture
def run(tmp_path, workers):
    """run(folder, **params) gives the captioned records, their examples, and {file: reason} of ingest's quarantine."""

    def run(folder, **params):
        folders = [tmp_path / name for name in ("ingested", "paired", "matted", "captioned", "augmented")]
        for path in folders:
            path.mkdir()
        ingested, paired, matted, captioned, augmented = folders
        probes = Caption(attributes=str(DATA / "base/attributes.safetensors"))
        rows, _ = ingest(folder, ingested, 64, 0, Ingest(**params), workers)
        rows = list(pair(rows, paired, Pair(styles=["given", "canny"]), workers))
        rows = list(cut_backgrounds(rows, matted, Matte(background="white"), workers))
        rows = list(caption(rows, captioned, probes, workers, "cpu", "fp32"))
        write(
            augment(rows, augmented, 0, Augment(variants=3), ["sketch", "material"], workers),
            augmented,
        )
        examples = list(Records(augmented))
        assert {(row["id"], row["split"]) for row in examples} == {(row["id"], row["split"]) for row in rows}
        assert len(examples) == sum(3 if row["split"] == "train" else len(row["sketches"]) for row in rows)
        assert all(io.read_grey(row["sketch"]).shape == (64, 64) for row in examples)
        return rows, examples, {row["file"]: row["reason"] for row in quarantine.read(ingested)}

    return run


def sketch(photo, target, style):
    io.write_png(target, draw_sketch(io.read(photo), style, target.stem))


def test_a_set_of_pairs_becomes_training_examples(run, tmp_path):
    folder = tmp_path / "set"
    (folder / "Images").mkdir(parents=True)
    for number, photo in enumerate(CORPUS):
        Image.open(photo).save(folder / f"Images/image_{number}.png")
        sketch(photo, folder / f"Sketches/sketch_{number}.png", "line")
        if number < 4:  # a near-duplicate
            Image.open(photo).resize((200, 200)).save(folder / f"Images/image_{number + 12}.png")
            sketch(photo, folder / f"Sketches/sketch_{number + 12}.png", "line")
    copyfile(folder / "Images/image_0.png", folder / "Images/image_copy.png")
    (folder / "Sketches/sketch_1.png").unlink()
    prompts = [{"image": f"image_{n}.png", "prompt": f"house {n}" if n % 2 else ""} for n in range(16)]
    (folder / "prompts.json").write_text(json.dumps([*prompts, {"image": "image_99.png"}]), encoding="utf-8")

    rows, examples, reasons = run(folder, source="paired", val=0.25, test=0.35)
    near = [file for file, reason in reasons.items() if reason.startswith("near-duplicate of Images/image_")]
    assert near and len(rows) == 16 - len(near)
    assert {file: reason for file, reason in reasons.items() if file not in near} == {
        "prompts.json": "image missing image_99.png (entry 17)",
        "Sketches/sketch_1.png": "missing while Images/image_1.png is there",
        "Sketches/sketch_copy.png": "missing while Images/image_copy.png is there",
        "Images/image_copy.png": "duplicate of Images/image_0.png",
    }
    numbers = {row["id"]: int(row["source"].removeprefix("Images/image_").removesuffix(".png")) for row in rows}
    assert len({(numbers[row["id"]] % 12, row["split"]) for row in rows}) == 12, "a motif stands in one split"
    for record in rows:
        number = numbers[record["id"]]
        assert record["sketches"].keys() == ({"canny"} if number == 1 else {"given", "canny"})
        assert record["captioned_by"] == ("caption" if number % 2 else "attributes")
    assert all(row["prompt"] == f"house {numbers[row['id']]}" for row in examples if numbers[row["id"]] % 2)
    assert all(row["prompt"] for row in examples)


def test_a_sketchy_database_becomes_training_examples(run, tmp_path):
    root = tmp_path / "sketchy"
    photos, sketches = (root / f"256x256/{kind}/tx_000000000000" for kind in ("photo", "sketch"))
    drawings = {}
    for number, photo in enumerate(CORPUS):
        name, id = ("car_(sedan)", "church")[number % 2], f"n{number % 2}_{number}"
        (photos / name).mkdir(parents=True, exist_ok=True)
        copyfile(photo, photos / name / f"{id}.jpg")
        styles = ("pencil", "xdog", "line")[: 2 + (number < 4)]
        for k, style in enumerate(styles, start=1):
            sketch(photo, sketches / name / f"{id}-{k}.png", style)
        drawings[f"{id}.jpg"] = len(styles)
    copytree(photos, photos.with_name("tx_000100000000"))
    copyfile(sketches / "church/n1_1-1.png", sketches / "church/n1_99-1.png")
    (sketches / "church/n1_3-2.png").write_bytes(b"")
    (root / "info").mkdir()
    (root / "info/invalid-pose.txt").write_text("n0_0-2\nn1_1-9\nn7_7-1\n", encoding="utf-8")
    drawings["n0_0.jpg"] -= 1
    drawings["n1_3.jpg"] -= 1

    rows, examples, reasons = run(root, source="sketchy", val=0.25, test=0.35)
    assert len(rows) == 12 and reasons == {
        "256x256/sketch/tx_000000000000/car_(sedan)/n0_0-2.png": "invalid sketch (info/invalid-pose.txt)",
        "256x256/sketch/tx_000000000000/church/n1_99-1.png": "no photo of its id",
        "256x256/photo/tx_000000000000/church/n1_3.jpg": "unusable companion n1_3-2.png: empty file",
        "info/invalid-pose.txt": "names no sketch 'n1_1-9' (line 2)",
    }
    for record in rows:
        label, _, name = record["source"].removeprefix("256x256/photo/tx_000000000000/").partition("/")
        given = ["given", "given-2", "given-3"][: drawings[name]]
        assert record["label"] == label and list(record["sketches"]) == [*given, "canny"]
        assert record["caption"].startswith(label.replace("_", " "))
    assert {row["sketch_style"] for row in examples} == {"given", "given-2", "given-3", "canny"}
