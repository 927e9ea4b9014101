"""Tables of people, and tables that people open in spreadsheets."""

import csv
import io

import pytest

from s2i.core import quarantine, tables
from s2i.core.quarantine import Refused

FORMULAS = ["=1+1", "+1+1", "-1+1", "@SUM(A1)", "\t=1", "\r=1", '=HYPERLINK("http://x")', "-", "+", "'=1", "'"]
NUMBERS = ["-1", "+1", "-1.5", "-.5", "1e-5", "-1E+20", "-inf", "nan", "0", "12"]
TEXTS = ["", "a", "a=1", "a,b", 'a"b', "a\nb", "Häuser", "1+1"]


@pytest.mark.parametrize("cell", [*FORMULAS, *NUMBERS, *TEXTS, -1, -0.5, float("-inf"), True, None])
def test_no_cell_is_a_formula_and_every_cell_is_read_back_as_it_was(cell):
    file = io.StringIO(newline="")
    tables.write(file, [[cell, "end"]])
    ((written, _),) = csv.reader(io.StringIO(file.getvalue(), newline=""))
    assert tables.as_written(written) == ("" if cell is None else str(cell))
    assert written.startswith("'") == (cell in FORMULAS)


def test_numbers_stay_numbers():
    for number in (-1, -0.25, 1e-9, 0, 10**20, float("-inf")):
        assert tables.neutralised(number) is number
    for text in NUMBERS:
        assert tables.neutralised(text) == text and isinstance(float(text), float)


def test_quarantine_holds_no_formula_and_is_read_back_as_it_was(tmp_path):
    refused = [Refused("=1+1.png", "not an image"), Refused("'a.png", "empty file"), Refused("b,\n.png", "-", '"x"')]
    quarantine.write(refused, tmp_path)
    lines = (tmp_path / "quarantine.csv").read_text(encoding="utf-8")
    assert "\n'=1+1.png,not an image" in lines and "\n''a.png" in lines
    assert quarantine.read(tmp_path) == [{"file": file.name, "reason": file.reason} for file in refused]


def lines_of(text, **options):
    return [(row.line, row.cells, row.problem) for row in tables.rows(text, **options)]


def test_a_row_that_cannot_be_read_costs_itself_alone():
    text = 'file,caption\na.png,"x"y\nb.png,"open\nc.png,good\n'
    assert lines_of(text) == [
        (1, ["file", "caption"], ""),
        (2, [], "',' expected after '\"'"),
        (3, [], "a quote is not closed"),
        (4, ["c.png", "good"], ""),
    ]


def test_a_quoted_cell_may_go_over_lines_wherever_it_stands():
    text = "a,b\n" * 999 + 'x,"1\n2\n3"\nc,d\n'
    rows = lines_of(text)
    assert len(rows) == 1001 and rows[999] == (1000, ["x", "1\n2\n3"], "") and rows[1000] == (1003, ["c", "d"], "")
    endless = 'x,"' + "1\n" * 1500
    assert lines_of(endless)[0] == (1, [], "a quote is not closed") and len(lines_of(endless)) == 1500


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_lines_may_end_as_on_any_system(end):
    assert [cells for _, cells, _ in lines_of(f"a;b{end}1;2{end}", delimiter=";")] == [["a", "b"], ["1", "2"]]


def test_a_cell_may_be_as_long_as_a_file():
    assert len(lines_of(f"a,{'x' * 200_000}\nb,c")[0][1][1]) == 200_000
