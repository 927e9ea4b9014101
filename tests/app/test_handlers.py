import pytest
from helpers.app import NO_SUGGESTIONS

pytest.importorskip("gradio", reason="the app's extra is not installed: pip install -e '.[app]'")
import gradio

from s2i.app import components, handlers
from s2i.app.worker import Worker
from s2i.core.params import Generate
from s2i.generation import find_model


def test_after_any_error_the_page_can_draw_again(project, tmp_path):
    with gradio.Blocks():
        inputs, outputs = components.inputs(NO_SUGGESTIONS, Generate()), components.outputs()
        session = components.session()
    on_draw = handlers.draw(Worker(None, find_model.find().params, tmp_path / "absent"), inputs, outputs, session)
    values = {field: field.value for field in (*vars(inputs.settings).values(), inputs.prompt, session.images)}
    updates = on_draw(values | {inputs.strokes: "data:image/png;base64,AAAA"})
    update = next(updates)
    assert update[inputs.draw]["interactive"] and not update[inputs.cancel]["interactive"]
    with pytest.raises(gradio.Error, match="Something went wrong in the server"):
        next(updates)
