import pandas as pd
import pytest

from s2i import cli
from s2i.core.errors import UserError
from s2i.dataset.survey import caption_table
from s2i.imaging import io
from s2i.metrics import captions


def test_depth_is_compared_where_a_parser_is_installed(table, monkeypatch):
    assert "yngve_depth" not in caption_table.compare(caption_table.read(table)[0]) or captions.parser()
    monkeypatch.setattr(captions, "parser", lambda: lambda text: [0] * len(text.split()))
    compared = caption_table.compare(caption_table.read(table)[0]).set_index("prompt")
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
        ("image,label,prompt,answer\na.png,cat,x,one, two\n", "line 2 has 5 cells and not 4: put text with commas"),
        ('image,label,prompt,answer\na.png,cat,x,"one\n', "line 2 cannot be read as CSV"),
        ("image,label,prompt,answer,answer\n", "has the column 'answer' twice"),
    ],
)
def test_a_table_that_cannot_be_compared_is_one_clear_sentence(tmp_path, content, sentence):
    (tmp_path / "answers.csv").write_text(content)
    with pytest.raises(UserError, match=sentence):
        caption_table.read(tmp_path / "answers.csv")


def test_a_folder_in_the_place_of_a_table_is_one_clear_sentence(tmp_path):
    with pytest.raises(UserError, match=r"cannot be read: no file \(a folder\)"):
        caption_table.read(tmp_path)


@pytest.mark.parametrize(
    ("row", "problem"),
    [
        ("b.png,cat,x", "line 5 has 3 cells and not 4: put text with commas into quotes; it is left out"),
        ("b.png,,x,y", "line 5 has no label; it is left out"),
        ('b.png,cat,x,"y', "line 5 cannot be read as CSV: a quote is not closed; it is left out"),
    ],
)
def test_a_row_that_cannot_be_used_is_named_and_the_others_are_compared(tmp_path, capsys, monkeypatch, row, problem):
    monkeypatch.chdir(tmp_path)
    text = f'image,label,prompt,answer\na.png,cat,x,"one\ntwo"\n\n{row}\nc.png,cat,x,a cat\n'
    (tmp_path / "answers.csv").write_text(text)
    cli.main(["captions", "answers.csv"])
    assert problem in capsys.readouterr().err
    assert pd.read_csv("captions/captions.csv")["captions"].tolist() == [2]


def test_no_prompt_is_a_formula_in_the_table_nor_one_in_the_plot_and_figures_stay_numbers(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    rows = [(f"{n}.png", "cat", prompt, "a cat") for n in range(3) for prompt in ("=1+1", r"$\frac{$")]
    pd.DataFrame(rows, columns=caption_table.COLUMNS).to_csv("answers.csv", index=False)
    cli.main(["captions", "answers.csv"])
    table = pd.read_csv("captions/captions.csv")
    assert table["prompt"].tolist() == [r"$\frac{$", "'=1+1"] and table["label_accuracy"].tolist() == [1.0, 1.0]
