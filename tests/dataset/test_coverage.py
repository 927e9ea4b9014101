import pytest

from s2i.dataset.survey import coverage

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
