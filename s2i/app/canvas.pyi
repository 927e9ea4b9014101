"""A canvas whose pictures reach s2i as files, undecoded, so that the one checked reader sees them first."""

import tempfile
from pathlib import Path

import gradio as gr
from gradio.components.image_editor import AcceptBlobs, EditorData, server

MOST_BYTES = 20 * 10**6  # of an upload
MOST_WAITING = 64  # drawings of browsers that were sent and not asked for yet

class Canvas(gr.ImageEditor):
    """Gradio's image editor; a handler is given the path of the whole picture as it was sent, or None.

    A picture of more than `MOST_BYTES` is refused, and what nobody asked for is forgotten.
    """

    is_template = True

    def preprocess(self, payload: EditorData | None) -> str | None:
        """The composite of the background and the strokes."""
        if payload is None:
            return None
        if payload.id is None:
            return payload.composite and payload.composite.path
        sent = self.blob_storage.pop(payload.id, None)
        if sent is None or sent.composite is None:
            return None
        with tempfile.NamedTemporaryFile(dir=self.GRADIO_CACHE, suffix=".png", delete=False) as file:
            file.write(sent.composite)
        return str(Path(file.name))

    @server
    def accept_blobs(self, data: AcceptBlobs):
        """Keep one layer of a drawing that a browser is about to send."""
        if len(data.files[0][1]) > MOST_BYTES:
            raise gr.Error(f"The drawing is over {MOST_BYTES // 10**6} MB; send a smaller one.")
        if data.data["type"] == "composite":  # of the others nothing is needed
            super().accept_blobs(data)
        while len(self.blob_storage) > MOST_WAITING:
            self.blob_storage.pop(next(iter(self.blob_storage)))
    from collections.abc import Callable, Sequence
    from typing import TYPE_CHECKING, Any, Literal

    from gradio.blocks import Block

    if TYPE_CHECKING:
        from gradio.components import Timer
        from gradio.components.base import Component
