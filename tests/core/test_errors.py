import pytest

from s2i.core.errors import first_line, hint


@pytest.mark.parametrize(
    ("name", "options", "sentence"),
    [
        ("ddmi", {}, "did you mean 'ddim'?"),
        ("magic", {}, "there are ddim, euler."),
        ("magic", {"otherwise": "take one of"}, "take one of ddim, euler."),
    ],
)
def test_the_hint_is_the_nearest_name_or_all_names(name, options, sentence):
    assert hint(name, ["ddim", "euler"], **options) == sentence


def test_an_error_that_says_nothing_is_named_by_its_kind():
    assert first_line(ValueError(" \n")) == "ValueError"
    assert first_line(ValueError("too large\nby far")) == "too large"
