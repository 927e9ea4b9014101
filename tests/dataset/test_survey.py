import json

import numpy as np
import pytest
import torch
from PIL import Image

from s2i.core.params import Survey
from s2i.dataset.survey import coverage, survey
from s2i.imaging import io
from s2i.networks import weights
from s2i.networks.probes import fit
from s2i.vocabulary import attributes

WANTED = {"style": ["modern", "gothic"], "view": ["left", "centre"], "curved": [True, False], "glass": [True, False]}


def fact(style, view, curved=False, glass=False):
    return {"style": style, "view": view, "curved": curved, "glass": glass}


EVERYTHING = [
    fact(style, view, curved, glass)
    for style in ("modern", "gothic")
    for view in ("left", "centre")
    for curved in (True, False)
    for glass in (True, False)
]


def test_an_even_mix_has_no_holes_and_is_in_balance():
    covered = coverage.coverage(EVERYTHING, WANTED)
    assert covered["pairs"] == 1 and covered["holes"] == []
    assert set(covered["off_balance"].values()) == {0.0}


def test_a_missing_triple_is_named_where_each_of_its_pairs_is_there():
    facts = [one for one in EVERYTHING if not (one["curved"] and one["glass"] and one["view"] == "left")]
    covered = coverage.coverage(facts, WANTED)
    assert covered["pairs"] == 1 and covered["holes"] == ["no curved glass building seen from the left"]


def test_a_missing_value_is_named_in_every_pair_and_counts_as_off_balance():
    covered = coverage.coverage([fact("modern", view) for view in ("left", "centre", "left")], WANTED)
    assert "no gothic building seen from the front" in covered["holes"]
    assert "no gothic straight building" in covered["holes"]
    assert covered["off_balance"]["style"] == 0.5
    assert covered["off_balance"]["view"] == pytest.approx(2 / 3 - 1 / 2)
    assert covered["pairs"] == (2 + 1 + 1 + 2 + 2 + 1) / 24


def test_combinations_that_exclude_each_other_are_no_holes():
    wanted = {"material": ["Glass", "brick"], "glass": [True, False]}
    covered = coverage.coverage([{"material": "brick", "glass": False}], wanted)
    assert covered["holes"] == ["no glass building made of Glass", "no glass building made of brick"]
    assert covered["pairs"] == 1 / 4


def test_a_value_counts_by_any_word_that_people_have_for_it():
    wanted = {"view": ["left", "centre"], "material": ["wood", "brickwork"]}
    facts = [{"view": "front", "material": "timber"}, {"view": "left", "material": "brick"}]
    assert coverage.coverage(facts, wanted)["off_balance"] == {"view": 0, "material": 0}


def test_what_nobody_looked_at_is_not_taken_for_a_no():
    unknown = {"described": {}, "described_by": {}}
    assert coverage.facts_of(unknown) == {}
    assert coverage.facts_of(unknown | {"curved": False}) == {"curved": False}
    read = {"described": {"glass": "glass"}, "described_by": {"curved": "attributes", "glass": "attributes"}}
    assert coverage.facts_of(read) == {"curved": False, "glass": True}
    assert coverage.facts_of(unknown | {"view": "Left"}) == {"view": "left"}, "whoever was asked for the caption"


def test_what_nobody_looked_at_is_counted_and_no_hole():
    covered = coverage.coverage([{"style": "modern", "view": "left"}, {"style": "gothic"}], WANTED)
    assert covered["unknown"] == {"style": 0, "view": 1, "curved": 2, "glass": 2}
    assert covered["off_balance"].keys() == {"style", "view"}
    assert len(covered["holes"]) == 3 and all("seen from the" in hole for hole in covered["holes"])


@pytest.fixture
def captioned(ingested, tmp_path):
    """Twenty photos as they come from captioning, with mattes half right and one of two styles the truth."""
    probes = fit(torch.randn(30, 2560), [dict.fromkeys(attributes.PROBED, f"{row % 2}") for row in range(30)])
    probes.save(tmp_path / "attributes.safetensors")
    half, whole = np.zeros((64, 64), np.uint8), np.full((64, 64), 255, np.uint8)
    half[:32] = 255
    drawing, other = whole.copy(), whole.copy()
    drawing[10:50, 20] = drawing[10:50, 40] = other[5, :] = 0
    for name, image in (("half", half), ("whole", whole), ("drawing", drawing), ("other", other)):
        io.write_png(tmp_path / f"{name}.png", image)
    paths = {name: str(tmp_path / f"{name}.png") for name in ("half", "whole", "drawing", "other")}
    (tmp_path / "ingested/quarantine.csv").write_text("file,reason\nblurred.jpg,truncated\n")
    (tmp_path / "quarantine.csv").write_text("file,reason\nhouse.jpg,empty answer\n")
    return [
        record
        | {"matte": paths["half"], "truth_matte": paths["whole"], "truth_labels": paths["whole"]}
        | {"given_sketches": [paths["drawing"]], "material": "1", "color": "Crimson", "captioned_by": "columns"}
        | {"sketches": {"given": paths["drawing"], "good": paths["drawing"], "bad": paths["other"]}}
        | {
            "described": {"style": "modern", "view": "left"},
            "described_by": {},
            "licence": "CC0",
            "author": "me" if number else None,
        }
        for number, record in enumerate(ingested)
    ]


def test_a_survey_scores_what_came_with_truth_and_writes_a_card_with_images(captioned, tmp_path, workers, monkeypatch):
    monkeypatch.setattr(weights, "is_at_hand", lambda name: False)
    probes = tmp_path / "attributes.safetensors"
    figures = survey.survey(captioned, (tmp_path / "ingested", tmp_path), tmp_path, Survey(), probes, workers)
    assert json.loads(json.dumps(figures)) == figures
    assert (figures["photos"], figures["quarantined"], figures["unlicensed"]) == (20, 2, 1)
    assert figures["matte_iou"]["mean"] == figures["matte_coverage"] == 0.5
    assert figures["sketch_f1"]["good"]["mean"] == 1 and figures["sketch_f1"]["bad"]["mean"] < 0.2
    assert set(figures["sketch_f1"]) == {"good", "bad", "pencil", "xdog", "canny", "line"}, "hed needs a download"
    assert set(figures["attribute_accuracy"]) == {"material", "color"} and figures["attribute_accuracy"]["color"] > 0.8
    card = (tmp_path / "README.md").read_text()
    for said in (
        "- blurred.jpg: truncated",
        "- house.jpg: empty answer",
        f"- {captioned[0]['source']}",
        f"- {figures['coverage']['holes'][0]}",
        "| curved | 20 |",
        "| good | 1.00 |",
        "| train |",
    ):
        assert said in card
    assert (tmp_path / "captions.png").exists(), "which dvc.yaml promises, also where no photo has a class or a caption"
    with Image.open(tmp_path / "coverage.png") as heat_map:
        assert len(heat_map.convert("RGB").getcolors(1 << 24)) > 20
    assert io.read(tmp_path / "sketches.png").shape[1] == 8 * 64 + 7 * 4
