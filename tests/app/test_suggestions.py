import numpy as np
import pytest
from helpers.app import NO_SUGGESTIONS

from s2i.app import suggestions
from s2i.core.errors import UserError
from s2i.imaging import io


def test_what_is_suggested_is_what_the_records_hold(tmp_path):
    assert suggestions.of_records(tmp_path) == NO_SUGGESTIONS
    io.write_png(tmp_path / "mine.png", np.zeros((8, 8), np.uint8))
    given = suggestions.Suggestions(
        {"structure": ["house"], "color": [], "material": []}, [(str(tmp_path / "mine.png"), "a house")]
    )
    suggestions.write(given, tmp_path / "copied")
    copied = suggestions.of_folder(tmp_path / "copied")
    assert copied.words == given.words and copied.examples == [(str(tmp_path / "copied/example-1.png"), "a house")]


@pytest.mark.parametrize("content", ["", '{"words"', "[]", '{"words": {}, "examples": []}'])
def test_half_written_suggestions_are_one_clear_sentence(tmp_path, content):
    (tmp_path / suggestions.FILE).write_text(content)
    with pytest.raises(UserError, match=r"offers.json is not whole: write the folder again, or remove the file"):
        suggestions.of_folder(tmp_path)
