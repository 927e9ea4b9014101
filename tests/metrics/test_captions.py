"""Whether answers name a class, repeat themselves, and how deep their sentences are."""

import pytest

from s2i.metrics import captions

SKETCHY = """
airplane alarm_clock ant ape apple armor axe banana bat bear bee beetle bell bench bicycle blimp bread butterfly cabin
camel candle cannon car_(sedan) castle cat chair chicken church couch cow crab crocodilian cup deer dog dolphin door
duck elephant eyeglasses fan fish flower frog geyser giraffe guitar hamburger hammer harp hat hedgehog helicopter
hermit_crab horse hot-air_balloon hotdog hourglass jack-o-lantern jellyfish kangaroo knife lion lizard lobster
motorcycle mouse mushroom owl parrot pear penguin piano pickup_truck pig pineapple pistol pizza pretzel rabbit raccoon
racket ray rhinoceros rifle rocket sailboat saw saxophone scissors scorpion sea_turtle seagull seal shark sheep shoe
skyscraper snail snake songbird spider spoon squirrel starfish strawberry swan sword table tank teapot teddy_bear tiger
tree trumpet turtle umbrella violin volcano wading_bird wheelchair windmill window wine_bottle zebra
"""
# A general class and one of its own: the words name both.
ALIKE = ({"hermit_crab", "crab"}, {"sea_turtle", "turtle"}, {"teddy_bear", "bear"})


@pytest.mark.parametrize(
    ("answer", "label", "named"),
    [
        ("a red car parked", "car_(sedan)", True),
        ("A SEDAN.", "car_(sedan)", True),
        ("two cars", "car_(sedan)", True),
        ("a carpet on the floor", "car_(sedan)", False),
        ("a cat-like toy", "cat", True),
        ("a category of things", "cat", False),
        ("a small plane", "airplane", True),
        ("two foxes", "fox", True),
        ("a bottle of wine", "wine_bottle", True),
        ("", "cat", False),
        ("a hot-air balloon", "hot-air_balloon", True),
        ("a hot air balloon", "hot-air_balloon", True),
        ("two butterflies", "butterfly", True),
        ("three knives", "knife", True),
        ("a hot dog", "hotdog", True),
        ("a carved jack o'lantern", "jack-o-lantern", True),
        ("a teddybear", "teddy_bear", True),
        ("two mice", "mouse", True),
        ("an antelope", "ant", False),
        ("a pineapple", "apple", False),
        ("a beetle", "bee", False),
    ],
)
def test_a_label_is_named_as_a_whole_word_or_by_a_synonym(answer, label, named):
    assert captions.names_label(answer, label) == named


def test_every_class_of_the_sketchy_database_is_named_by_its_name_and_not_by_another_ones():
    for label in SKETCHY.split():
        name = label.partition("(")[0].replace("_", " ").strip()
        for spelling in (name, name.replace("-", " "), name.replace(" ", "-")):
            assert captions.names_label(f"a {spelling}.", label), label
        others = [other for other in SKETCHY.split() if captions.names_label(name, other)]
        assert others == [label] or {label, *others} in ALIKE, others


def test_every_class_of_the_sketchy_database_is_named_in_the_plural():
    plurals = {"butterfly": "butterflies", "strawberry": "strawberries", "knife": "knives", "mouse": "mice"}
    same = {"deer", "fish", "sheep", "jellyfish", "starfish", "scissors", "eyeglasses"}
    for label in SKETCHY.split():
        name = label.partition("(")[0].replace("_", " ").strip()
        es = name.endswith(("s", "x", "ch", "sh", "volcano")) and name not in same
        plural = plurals.get(name, name if name in same else f"{name}{'es' if es else 's'}")
        assert captions.names_label(f"many {plural}", label), plural


def test_distinctness_is_one_without_repetition_and_falls_with_it():
    assert captions.distinctness(["a red house", "the blue barn"]) == 1
    assert captions.distinctness(["a red house"] * 4) == 0.25
    assert captions.distinctness(["house", ""]) == 0


@pytest.mark.parametrize(
    ("heads", "depth"),
    [
        ([], 0),
        ([0], 0),
        ([1, 1], 1 / 2),  # "dogs bark": the left branch is 1
        ([0, 0], 1 / 2),  # "bark loudly"
        ([2, 2, 3, 3], (3 + 2 + 1 + 0) / 4),  # "the old dog barks": a noun phrase of three in the left branch
        ([1, 1, 1, 2, 5, 3], (2 + 1 + 1 + 1 + 1 + 0) / 6),  # "dogs chase cats of the neighbour": right branching
    ],
)
def test_yngve_depth_is_what_it_is_by_hand(heads, depth):
    assert captions.yngve_depth(heads) == pytest.approx(depth)


def test_left_branching_is_deeper_than_right_branching():
    assert captions.yngve_depth([1, 2, 3, 4, 4]) > captions.yngve_depth([0, 0, 1, 2, 3])
