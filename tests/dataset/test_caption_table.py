import pandas as pd
import pytest

from s2i import cli
from s2i.core.errors import UserError
from s2i.dataset.survey import caption_table
from s2i.imaging import io
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
        for said in (name, name.replace("-", " "), name.replace(" ", "-")):
            assert captions.names_label(f"a {said}.", label), label
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


def test_depth_is_compared_where_a_parser_is_installed(table, monkeypatch):
    assert "yngve_depth" not in caption_table.compare(caption_table.read(table)) or captions.parser()
    monkeypatch.setattr(captions, "parser", lambda: lambda text: [0] * len(text.split()))
    compared = caption_table.compare(caption_table.read(table)).set_index("prompt")
    assert compared.loc["What is it?", "yngve_depth"] == 0.5


@pytest.fixture
def table(tmp_path):
    rows = [(f"{number}.png", "cat", "What is it?", "a cat" if number < 6 else "a dog") for number in range(8)]
    rows += [(f"{number}.png", "cat", "Describe it.", f"the {number}th, a kitten it seems") for number in range(8)]
    pd.DataFrame(rows, columns=caption_table.COLUMNS).to_csv(tmp_path / "answers.csv", index=False)
    return tmp_path / "answers.csv"


def test_prompts_are_compared_on_the_command_line_as_table_and_plot(table, tmp_path, capsys):
    cli.main(["captions", str(table), "--out", str(tmp_path / "out")])
    compared = pd.read_csv(tmp_path / "out/captions.csv").set_index("prompt")
    asked = compared.loc["What is it?"]
    assert asked["label_accuracy"] == 0.75 and asked["label_accuracy_low"] < 0.75 < asked["label_accuracy_high"]
    assert compared.loc["Describe it.", "label_accuracy"] == 1 and compared.loc["Describe it.", "length"] == 6
    assert "0.750" in capsys.readouterr().out
    assert io.read(tmp_path / "out/captions.png").std() > 10


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("image,label,prompt\na.png,cat,x\n", "has no column 'answer': it needs image, label, prompt, answer"),
        ("image,label,prompt,answer\na.png,,x,y\n", "line 2 has no label"),
        ("image,label,prompt,answer\n", "has no captions"),
        ("", "has no column 'image'"),
        ("image,label,prompt,answer\na.png,cat,x,one, two\n" * 2, "line 2 has 5 cells and not 4: put text with commas"),
        ('image,label,prompt,answer\na.png,cat,x,"one\ntwo"\n\nb.png,cat,x\n', "line 5 has 3 cells and not 4"),
        ('image,label,prompt,answer\na.png,cat,x,"one\ntwo"\nb.png,,x,y\n', "line 4 has no label"),
        ('image,label,prompt,answer\na.png,cat,x,"one\n', "line 2 cannot be read as CSV"),
        ("image,label,prompt,answer,answer\n", "has the column 'answer' twice"),
    ],
)
def test_a_table_that_cannot_be_compared_is_one_clear_sentence(tmp_path, content, sentence):
    (tmp_path / "answers.csv").write_text(content)
    with pytest.raises(UserError, match=sentence):
        caption_table.read(tmp_path / "answers.csv")


def test_a_folder_in_the_place_of_a_table_is_one_clear_sentence(tmp_path):
    with pytest.raises(UserError, match="is a folder: name the CSV file in it"):
        caption_table.read(tmp_path)
