"""Serve the page: where it listens, who may come in, how many may wait, and that nothing stays behind."""

import os
import shutil
import signal
import socket
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from s2i.app.suggestions import Suggestions
from s2i.core.errors import UserError
from s2i.core.params import Params

if TYPE_CHECKING:
    import gradio as gr

    from s2i.app.worker import Worker
    from s2i.generation.model import SketchToImage


@dataclass(frozen=True)
class ServerSettings:
    """Where the page listens, who may come in, and how many may wait.

    login: user and password that everybody needs; None lets everybody in.  max_waiting: requests in the queue.
    """

    host: str = "127.0.0.1"
    port: int = 7860
    login: tuple[str, str] | None = None
    max_waiting: int = 40


def serve(
    load: Callable[[], "SketchToImage"], params: Params, suggestions: Suggestions, settings: ServerSettings
) -> None:
    """Serve the page of a model until Ctrl-C; arguments and errors are those of `running`."""
    with running(load, params, suggestions, settings) as (blocks, url):
        wait(blocks, url)


@contextmanager
def running(
    load: Callable[[], "SketchToImage"], params: Params, suggestions: Suggestions, settings: ServerSettings
) -> Iterator[tuple["gr.Blocks", str]]:
    """Serve the page of a model in the background, and give it and its address; on leaving nothing stays.

    load: gives the model, whose parameters are ``params``; called once and behind the page, which is there at once.
    Raises UserError as `hosted` does.
    """
    workers: list[Worker] = []

    def build(folder: Path) -> "gr.Blocks":
        from s2i.app import page, worker

        workers.append(worker.Worker(load, params, folder))
        return page.build(workers[0], suggestions)

    with hosted(build, settings) as (blocks, url):
        workers[0].start()
        yield blocks, url


@contextmanager
def hosted(build: Callable[[Path], "gr.Blocks"], settings: ServerSettings) -> Iterator[tuple["gr.Blocks", str]]:
    """Serve a page in the background, and give it and its address; on leaving nothing stays.

    build: makes the page, given the folder for its files.
    Raises UserError when Gradio is not installed, or the host or the port cannot be had.
    """
    if not 0 < settings.port < 2**16:
        raise UserError(f"port {settings.port} does not exist: name one from 1 to {2**16 - 1} with --port.")
    with ExitStack() as on_exit:
        folder = Path(tempfile.mkdtemp(prefix="s2i-app-"))
        on_exit.callback(shutil.rmtree, folder, ignore_errors=True)
        os.environ["GRADIO_TEMP_DIR"] = str(folder)  # before Gradio is imported: all its files go there, and with it
        os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")
        try:
            blocks = build(folder)
        except ImportError as error:
            raise UserError(
                f"{error.name} is not installed: `pip install -e '.[app]'` installs what the app needs."
            ) from None
        url = _listen(blocks, settings)
        on_exit.callback(blocks.close)
        yield blocks, url


def wait(blocks: "gr.Blocks", url: str) -> None:
    """Say where a page is, and wait for Ctrl-C or SIGTERM."""
    print(f"{url}  (Ctrl-C ends it)", flush=True)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # both clean up
    blocks.block_thread()


def _listen(blocks: "gr.Blocks", settings: ServerSettings) -> str:
    """Have Gradio serve a page; returns its address."""
    from starlette.middleware import Middleware

    from s2i.app import theme, uploads

    blocks.queue(max_size=settings.max_waiting, default_concurrency_limit=1)
    try:
        _, url, _ = blocks.launch(
            server_name=settings.host,
            server_port=settings.port,
            auth=settings.login,
            max_file_size=uploads.MAX_BYTES,
            app_kwargs={"middleware": [Middleware(uploads.LimitRequests)]},
            theme=theme.theme(),
            css_paths=theme.STYLE,
            footer_links=["api"],
            show_error=False,  # of Gradio and others, which may name paths; `gr.Error` is shown all the same
            share=False,
            ssr_mode=False,
            quiet=True,
            prevent_thread_lock=True,
        )
    except OSError:
        raise UserError(_why_not(settings.host, settings.port)) from None
    return url


def _why_not(host: str, port: int) -> str:
    try:
        family, *_, address = socket.getaddrinfo(host.strip("[]"), 0, type=socket.SOCK_STREAM)[0]
        with socket.socket(family) as free:
            free.bind(address)
    except OSError:
        return f"{host} is no address of this machine: name another with --host."
    return f"port {port} is taken: name another with --port."
