"""Limits of what visitors send: how large it is, and that a file is an upload of theirs."""

from typing import Any

import gradio as gr
from gradio.exceptions import InvalidPathError
from gradio_client import utils
from starlette.exceptions import HTTPException
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from s2i.app import notices
from s2i.core.errors import UserError

MAX_BYTES = 20 * 10**6  # of an upload
FRAME_BYTES = 10**6  # that a request may have around its upload
TOO_LARGE = f"More than {MAX_BYTES // 10**6} MB."


class LimitRequests:
    """ASGI middleware that refuses requests of more than `MAX_BYTES`, before and while they are read."""

    def __init__(self, app: ASGIApp):
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer 413 where the request says that it is too large; count what is read of all others."""
        announced = dict(scope.get("headers", ())).get(b"content-length", b"0")
        if scope["type"] == "http" and announced.isdigit() and int(announced) > MAX_BYTES + FRAME_BYTES:
            await PlainTextResponse(TOO_LARGE, 413)(scope, receive, send)
            return
        received = 0

        async def receive_counted() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > MAX_BYTES + FRAME_BYTES:
                raise HTTPException(413, TOO_LARGE)
            return message

        await self.app(scope, receive_counted, send)


class UploadsOnlyBlocks(gr.Blocks):
    """A page that takes no file but uploads: Gradio would fetch any address that stands for one, and into memory."""

    async def preprocess_data(self, block_fn: Any, inputs: list, *others: Any, **options: Any) -> Any:
        """Refuse addresses, and paths of files that were not uploaded; else as Gradio does."""
        utils.traverse(inputs, _refuse_address, utils.is_file_obj_with_meta)
        try:
            return await super().preprocess_data(block_fn, inputs, *others, **options)
        except InvalidPathError:
            raise notices.error(UserError("the sketch was not uploaded: send an image file.")) from None


def _refuse_address(file: dict) -> None:
    if utils.is_http_url_like(file["path"]):
        raise notices.error(UserError("an address is no sketch: send an image file."))
