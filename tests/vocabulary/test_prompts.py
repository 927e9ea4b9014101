import numpy as np
import pytest

from s2i.vocabulary import prompts

HOUSE = {"structure": "house", "color": "red", "material": "brick", "style": "rural", "view": "centre", "roof": "flat"}


def prompt(fields, seed, empty=0.0, drop_part=0.0, synonym=0.0):
    return prompts.randomised(fields, np.random.default_rng(seed), empty, drop_part, synonym)


def test_plain_leaves_out_what_is_not_known():
    assert prompts.plain(HOUSE) == "house of red made of brick"
    assert prompts.plain({"structure": "house", "material": None}) == "house"
    assert prompts.plain({"color": "red"}) == "building of red"


def test_prompts_vary_and_the_same_generator_words_the_same():
    assert len({prompt(HOUSE, seed, drop_part=0.2, synonym=0.3) for seed in range(100)}) > 25
    assert prompt(HOUSE, 5, synonym=0.5) == prompt(HOUSE, 5, synonym=0.5)


def test_rates_of_a_prompt_are_kept():
    said = [prompt(HOUSE, seed, empty=0.3, synonym=1.0) for seed in range(500)]
    assert abs(said.count("") / 500 - 0.3) < 0.06
    assert all("home" in sentence for sentence in said if sentence)
    assert {prompt(HOUSE, seed, drop_part=1.0) for seed in range(50)} <= {
        "house", "a house", "a photo of a house"
    }  # fmt: skip


def test_no_prompt_has_a_hole_or_a_wrong_article():
    orange = HOUSE | {"color": "orange", "curved": True, "balconies": 3}
    for seed in range(300):
        sentence = prompt(orange, seed, drop_part=0.3, synonym=0.3)
        assert not set("[]{}") & set(sentence) and "  " not in sentence and "None" not in sentence
        assert "a orange" not in sentence and "an house" not in sentence


def test_columns_are_said_as_words_are():
    said = " ".join(prompt(HOUSE | {"curved": False, "balconies": 0}, seed) for seed in range(100))
    assert "seen from the front" in said and "curved" not in said and "balconies" not in said


@pytest.mark.parametrize(
    ("prompt", "found"),
    [
        ("house of red made of brick", {"color": "red", "material": "brick"}),
        ("A Crimson chapel, timber", {"color": "red", "material": "wood"}),
        ("a dark brown barn", {"color": "brown"}),
        ("teal villa with a red roof", {"color": "teal"}),
        ("a bored architect, woodland", {}),
        ("", {}),
    ],
)
def test_colour_and_material_are_found_in_a_prompt(prompt, found):
    assert prompts.colors_and_materials_in(prompt) == found
