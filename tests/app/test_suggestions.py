import json

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


@pytest.mark.parametrize("name", ["../secret.png", "{folder}/secret.png", "text.png", "link.png", "gone.png", ".", 7])
def test_a_file_of_the_server_s_own_is_not_served_to_visitors(tmp_path, name):
    model = tmp_path / "model"
    model.mkdir()
    io.write_png(tmp_path / "secret.png", np.zeros((8, 8), np.uint8))
    (model / "text.png").write_text("root:x:0:0")
    (model / "link.png").symlink_to(tmp_path / "secret.png")
    name = name.format(folder=tmp_path) if isinstance(name, str) else name
    words = {part: [] for part in NO_SUGGESTIONS.words}
    (model / suggestions.FILE).write_text(json.dumps({"words": words, "examples": [[name, "a house"]]}))
    with pytest.raises(UserError, match=r"offers.json is not whole"):
        suggestions.of_folder(model)


@pytest.mark.parametrize("content", ["", '{"words"', "[]", '{"words": {}, "examples": []}'])
def test_half_written_suggestions_are_one_clear_sentence(tmp_path, content):
    (tmp_path / suggestions.FILE).write_text(content)
    with pytest.raises(UserError, match=r"offers.json is not whole: write the folder again, or remove the file"):
        suggestions.of_folder(tmp_path)
