import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from s2i.app.messages import DrawRequest, Progress
from s2i.app.worker import Worker
from s2i.core.errors import UserError
from s2i.generation import find_model
from s2i.imaging import io


def running_worker(load, folder):
    worker = Worker(load, find_model.find().params, folder)
    worker.start()
    return worker


def test_a_model_that_cannot_be_loaded_is_told_to_everybody_who_draws(project, tmp_path, capsys):
    def load():
        raise UserError("/home/anna/model is half-written")

    request = DrawRequest("house", 2, "", 3, 1, 1, None, 0, 1)
    messages = running_worker(load, tmp_path).generate(request, np.zeros((64, 64), np.uint8))
    assert next(messages) == Progress(0, 2, None, None)
    with pytest.raises(UserError, match="the model could not be loaded: the terminal of the server says why"):
        next(messages)
    assert "s2i app: /home/anna/model is half-written" in capsys.readouterr().out


def test_a_drawing_can_be_cancelled_between_steps_and_the_next_one_begun(project, tmp_path):
    from s2i.generation import model

    worker = running_worker(lambda: model.SketchToImage(find_model.find()), tmp_path)
    sketch = io.read_grey(project / "sketch.png")[:64, :64]
    request = DrawRequest("house " * 100, 8, "", 3, 2, 1, None, 0, 2)
    messages = worker.generate(request, sketch)
    _, warning, _, progress = (next(messages) for _ in range(4))
    assert warning.startswith("the prompt is over 77 tokens") and progress.step == 2 and progress.seconds_left > 0
    messages.close()
    assert not list(tmp_path.iterdir()), "nothing was written"
    *_, result = worker.generate(request, sketch)
    assert len(result.images) == 2
    assert set(result.model_inputs) == {"cleaned sketch", "edges", "material map", "to the model: sketch"}
    with Image.open(result.images[0]) as image:
        assert json.loads(image.text["parameters"])["warning"] == warning
    for file in result.images:
        Path(file).unlink()  # as Gradio does after an hour
    *_, result = worker.generate(request._replace(prompt="\N{OLD PERSIAN SIGN A}" * 60), sketch)
    assert [*tmp_path.iterdir()] == [Path(result.images[0]).parent]
