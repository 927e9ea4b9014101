import json

import numpy as np
import pytest
import torch
from PIL import Image

from s2i.core.params import Survey
from s2i.dataset.survey import survey
from s2i.imaging import io
from s2i.networks import weights
from s2i.networks.probes import fit
from s2i.vocabulary import attributes


@pytest.fixture
def captioned(ingested, tmp_path):
    """Twenty photos as they come from captioning, with mattes half right and one of two styles the truth."""
    probes = fit(torch.randn(30, 2560), [dict.fromkeys(attributes.PROBED, f"{row % 2}") for row in range(30)])
    probes.save(tmp_path / "attributes.safetensors")
    half, whole = np.zeros((48, 64), np.uint8), np.full((48, 64), 255, np.uint8)
    half[:24] = 255
    drawing, other = whole.copy(), whole.copy()
    drawing[10:40, 20] = drawing[10:40, 40] = other[5, :] = 0
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
    monkeypatch.setattr(survey.quality, "check", lambda records, file, workers: {"dark": 3})
    probes = tmp_path / "attributes.safetensors"
    settings = Survey(quality=True)
    figures = survey.survey(captioned, (tmp_path / "ingested", tmp_path), tmp_path, settings, probes, workers)
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
        "| dark | 3 |",
        "| good | 1.00 |",
        "| train |",
    ):
        assert said in card
    assert (tmp_path / "captions.png").exists(), "which dvc.yaml promises, also where no photo has a class or a caption"
    with Image.open(tmp_path / "coverage.png") as heat_map:
        assert len(heat_map.convert("RGB").getcolors(1 << 24)) > 20
    assert io.read(tmp_path / "sketches.png").shape[1] == 8 * 64 + 7 * 4
