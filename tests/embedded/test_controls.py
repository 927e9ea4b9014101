"""The control images that the embedded ControlNet learns to follow."""

import numpy as np
import pandas as pd
import pytest

from s2i.embedded.pretraining import controls
from s2i.embedded.pretraining.params import Controls
from s2i.imaging import io
from s2i.imaging.edges import canny

SETTINGS = Controls(styles=["pencil", "xdog", "line"], drawn=2)


@pytest.fixture
def corpus(tmp_path, house):
    """A folder of five renders."""
    folder = tmp_path / "train"
    (folder / "photos").mkdir(parents=True)
    names = [f"photos/{number}.jpg" for number in range(5)]
    for number, name in enumerate(names):
        io.write_jpg(folder / name, io.resize_and_crop(house(number), 64))
    pd.DataFrame({"file": names}).to_csv(folder / "photos.csv", index=False)
    return folder


def test_every_render_has_its_edges_and_drawings_in_different_styles(corpus, tmp_path):
    controls.write(corpus, tmp_path, SETTINGS, 0)
    written = np.load(tmp_path / "controls.npy")
    assert written.shape == (5, 3, 64, 64)
    assert np.array_equal(written[2, 0], canny(io.read(corpus / "photos/2.jpg")))
    assert all(len(set(controls.styles_of(row, SETTINGS, 0))) == 2 for row in range(50))
    assert {style for row in range(50) for style in controls.styles_of(row, SETTINGS, 0)} == set(SETTINGS.styles)


def test_an_interrupted_run_goes_on_and_one_with_other_settings_begins_anew(corpus, tmp_path, monkeypatch):
    monkeypatch.setattr(controls, "AT_ONCE", 2)
    drawn = []
    wanted, draw = tmp_path / "wanted", controls._controls
    controls.write(corpus, wanted, SETTINGS, 0)

    def killed_at(row_of_death):
        def draw_or_die(file, row, settings, seed):
            if row == row_of_death:
                raise KeyboardInterrupt
            drawn.append(row)
            return draw(file, row, settings, seed)

        return draw_or_die

    in_this_process = lambda **_: lambda jobs: (function(*given, **named) for function, given, named in jobs)  # noqa: E731
    monkeypatch.setattr(controls, "Parallel", in_this_process)
    monkeypatch.setattr(controls, "_controls", killed_at(3))
    with pytest.raises(KeyboardInterrupt):
        controls.write(corpus, tmp_path, SETTINGS, 0)
    monkeypatch.setattr(controls, "_controls", killed_at(None))
    drawn.clear()
    controls.write(corpus, tmp_path, SETTINGS, 0)
    assert drawn == [2, 3, 4], "what was flushed is not drawn again"
    assert np.array_equal(np.load(tmp_path / "controls.npy"), np.load(wanted / "controls.npy"))
    drawn.clear()
    controls.write(corpus, tmp_path, SETTINGS, 0)
    assert drawn == []
    controls.write(corpus, tmp_path, SETTINGS, 1)
    assert drawn == [0, 1, 2, 3, 4]
