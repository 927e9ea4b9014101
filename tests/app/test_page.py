import pytest
from helpers.app import NO_SUGGESTIONS

pytest.importorskip("gradio", reason="the app's extra is not installed: pip install -e '.[app]'")
from s2i.app import page
from s2i.app.worker import Worker
from s2i.core.params import Generate
from s2i.generation import find_model


def test_settings_beyond_the_usual_can_be_drawn_with(project, tmp_path):
    settings = Generate(steps=200, guidance_scale=20, control_guidance_scale=18, conditioning_scale=3)
    params = find_model.find().params.model_copy(update={"generate": settings})
    blocks = page.build(Worker(None, params, tmp_path), NO_SUGGESTIONS)
    most = {part.label: part.maximum for part in blocks.blocks.values() if hasattr(part, "maximum")}
    names = ("Steps", "Guidance", "Sketch guidance", "Control")
    assert [most[name] for name in names] == [200, 20, 18, 3]


def test_no_event_takes_an_image_that_gradio_itself_would_decode(project, tmp_path):
    """Gradio opens images with every decoder of Pillow's; the app takes files and opens them by its own door."""
    import gradio as gr

    decoding = (gr.Image, gr.ImageEditor, gr.ImageSlider, gr.AnnotatedImage)
    blocks = page.build(Worker(None, find_model.find().params, tmp_path), NO_SUGGESTIONS)
    taken = [component for event in blocks.fns.values() for component in event.inputs]
    assert taken and not any(isinstance(component, decoding) for component in taken)
    assert all(component.type == "filepath" for component in taken if isinstance(component, gr.Gallery | gr.File))
