"""Serve the page: where it listens, who may come in, how many may wait, and that nothing stays behind."""

import os
import shutil
import signal
import socket
import tempfile
from contextlib import ExitStack
from pathlib import Path

from s2i.core.errors import UserError
from s2i.generation.find_model import Trained

MOST_WAITING = 40  # drawings in the queue
MOST_BYTES = 20 * 10**6  # of an upload


def launch(
    trained: Trained,
    offers,
    *,
    host: str = "127.0.0.1",
    port: int = 7860,
    login: tuple[str, str] | None = None,
    tiny_decoder: str | None = None,
    compile: bool = False,
    engine: str = "torch",
    most_waiting: int = MOST_WAITING,
    block: bool = True,
):
    """Serve the page of a model; the page is there before the model, which loads once and behind it.

    login: user and password that everybody needs.  block: wait for Ctrl-C; else return (blocks, url), and the caller
    closes blocks and removes the folder that GRADIO_TEMP_DIR names.
    Raises UserError when Gradio is not installed, or the host or the port cannot be had.
    """
    if not 0 < port < 2**16:
        raise UserError(f"port {port} does not exist: name one from 1 to {2**16 - 1} with --port.")
    with ExitStack() as cleaning:
        folder = Path(tempfile.mkdtemp(prefix="s2i-app-"))
        cleaning.callback(shutil.rmtree, folder, ignore_errors=True)
        os.environ["GRADIO_TEMP_DIR"] = str(folder)  # before Gradio is imported: all its files go there, and with it
        os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")
        try:
            from starlette.middleware import Middleware

            from s2i.app import page, theme, worker
        except ImportError as error:
            raise UserError(
                f"{error.name} is not installed: `pip install -e '.[app]'` installs what the app needs."
            ) from None

        def load():
            from s2i.generation import (
                model,  # torch and diffusers take seconds to import: the page does not wait for them
            )

            return model.SketchToImage(trained, tiny_decoder, compile, engine)

        artist = worker.Worker(load, trained.params, folder)
        made = page.page(artist, offers)
        made.queue(max_size=most_waiting, default_concurrency_limit=1)
        try:
            _, url, _ = made.launch(
                server_name=host,
                server_port=port,
                auth=login,
                max_file_size=MOST_BYTES,
                app_kwargs={"middleware": [Middleware(LimitUploads)]},
                theme=theme.theme(),
                css_paths=page.STYLE,
                footer_links=["api"],
                show_error=False,  # of Gradio and others, which may name paths; `gr.Error` is shown all the same
                share=False,
                ssr_mode=False,
                quiet=True,
                prevent_thread_lock=True,
            )
        except OSError:
            raise UserError(_why_not(host, port)) from None
        cleaning.callback(made.close)
        artist.start()
        if not block:
            cleaning.pop_all()
            return made, url
        print(f"{url}  (Ctrl-C ends it)", flush=True)
        signal.signal(signal.SIGTERM, signal.default_int_handler)  # both clean up
        made.block_thread()


def _why_not(host: str, port: int) -> str:
    try:
        family, *_, address = socket.getaddrinfo(host.strip("[]"), 0, type=socket.SOCK_STREAM)[0]
        with socket.socket(family) as free:
            free.bind(address)
    except OSError:
        return f"{host} is no address of this machine: name another with --host."
    return f"port {port} is taken: name another with --port."


class LimitUploads:
    """Refuses requests of more than `MOST_BYTES`, before and while they are read."""

    def __init__(self, app):
        self.app = app

    async def __call__(self, scope, receive, send):
        from starlette.exceptions import HTTPException
        from starlette.responses import PlainTextResponse

        most, seen = MOST_BYTES + 10**6, 0  # some for the frame around an upload
        said = dict(scope.get("headers", ())).get(b"content-length", b"0")
        if scope["type"] == "http" and said.isdigit() and int(said) > most:
            await PlainTextResponse(f"More than {MOST_BYTES // 10**6} MB.", 413)(scope, receive, send)
            return

        async def counted():
            nonlocal seen
            message = await receive()
            seen += len(message.get("body", b""))
            if seen > most:
                raise HTTPException(413, f"More than {MOST_BYTES // 10**6} MB.")
            return message

        await self.app(scope, counted, send)
