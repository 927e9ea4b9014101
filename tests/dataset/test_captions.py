from collections import Counter

import numpy as np
import pytest
import torch

from s2i.core.errors import UserError
from s2i.core.params import Caption
from s2i.dataset.captioning.captions import caption
from s2i.dataset.survey import coverage
from s2i.imaging import io
from s2i.networks.probes import fit
from s2i.vocabulary import attributes

HOUSE = {"structure": "house", "color": "red", "material": "brick", "style": "rural", "view": "centre", "roof": "flat"}


@pytest.fixture
def captioned(ingested, workers, tmp_path):
    """captioned(columns) captions the twenty photos after giving each these columns."""
    probes = fit(
        torch.randn(60, 2560), [HOUSE | {"curved": row % 2, "glass": 0, "balconies": row % 3} for row in range(60)]
    )
    probes.save(tmp_path / "attributes.safetensors")

    def captioned(columns, by=("columns", "attributes"), fixed=None):
        settings = Caption(by=by, fixed=fixed, attributes=str(tmp_path / "attributes.safetensors"))
        records = [record | columns for record in ingested]
        return list(caption(records, tmp_path, settings, workers, "cpu", "fp32"))

    return captioned


def origins(records):
    return Counter(record["captioned_by"] for record in records)


def test_columns_make_the_plain_caption(captioned):
    records = captioned({"structure": "Church", "color": "white", "material": "stone"})
    assert {record["caption"] for record in records} == {"church of white made of stone"}
    assert origins(records) == {"columns": 20}


def test_a_given_caption_wins_over_columns(captioned):
    records = captioned({"structure": "church", "color": "white", "given_caption": "My chapel at dusk"})
    assert (records[0]["caption"], records[0]["captioned_by"]) == ("My chapel at dusk", "caption")
    assert records[0]["described"].items() >= {"structure": "church", "color": "white"}.items(), "what else is known"


def test_whatever_no_column_gives_is_read_off_also_where_the_caption_needs_it_not(captioned):
    for known in ({"given_caption": "My chapel"}, {"structure": "church", "color": "white", "material": "stone"}):
        by_whom = captioned(known)[0]["described_by"]
        assert {part for part, who in by_whom.items() if who == "attributes"} == set(attributes.PARTS) - known.keys()
    assert coverage.facts_of(captioned(HOUSE | {"glass": False, "balconies": 0})[0]).keys() >= {"curved", "glass"}
    everything = HOUSE | {"curved": True, "glass": False, "balconies": 0}
    assert "attributes" not in captioned(everything)[0]["described_by"].values()


def test_what_no_column_gives_is_read_off_the_photo_and_no_column_is_touched(captioned):
    records = captioned({"label": "car_(sedan)"})
    reds = [record["caption"] == "car (sedan) of red made of brick" for record in records]
    assert sum(reds) >= 17 and origins(records) == {"attributes": 20}
    for record in records:
        assert record.get("color") is None and record.get("material") is None
        assert record["described_by"]["structure"] == "columns"
        assert record["described_by"]["color"] == record["described_by"]["material"] == "attributes"


def test_a_no_in_a_column_stays_a_no(captioned):
    records = captioned({"label": "barn", "curved": False, "glass": False, "balconies": 0})
    assert not any({"curved", "glass", "balconies"} & record["described"].keys() for record in records)


def test_a_matte_that_missed_the_building_does_not_make_it_white(captioned, tmp_path):
    io.write_png(tmp_path / "blank.png", np.zeros((64, 64), np.uint8))
    records = captioned({"label": "barn", "matte": str(tmp_path / "blank.png")})
    assert sum(record["described"]["color"] == "red" for record in records) >= 17


def test_whoever_is_not_asked_is_not_heard(captioned):
    columns = {"structure": "church", "color": "white", "given_caption": "My chapel"}
    assert {record["caption"] for record in captioned(columns, by=["columns"])} == {"My chapel"}
    assert {record["caption"] for record in captioned({"structure": "church"}, by=["columns"])} == {"church"}
    read = captioned(columns, by=["attributes"])
    assert all(record["caption"].startswith("house of ") and record["structure"] == "church" for record in read)
    assert {record["caption"] for record in captioned({}, by=["columns", "none"])} == {""}
    for nobody in ([], "none"):
        records = captioned(columns, by=nobody)
        assert {record["caption"] for record in records} == {""} and origins(records) == {"none": 20}


def test_a_fixed_caption_is_that_of_all_photos_and_nobody_is_asked(captioned, tmp_path):
    records = captioned(HOUSE, by=["none"], fixed="a photo of a building")
    assert {record["caption"] for record in records} == {"a photo of a building"}
    assert {record["captioned_by"] for record in records} == {"caption"} and not any(r["described"] for r in records)


def test_missing_or_foreign_probes_are_one_clear_sentence(captioned, tmp_path):
    (tmp_path / "attributes.safetensors").write_bytes(b"no weights")
    with pytest.raises(UserError, match=r"attributes.safetensors does not hold attribute probes"):
        captioned({})
    (tmp_path / "attributes.safetensors").unlink()
    with pytest.raises(UserError, match=r"attributes.safetensors is missing: it comes with data/base"):
        captioned({})
