"""`s2i app`: the page in the browser."""

import os
from argparse import Namespace
from pathlib import Path
from typing import TYPE_CHECKING

from s2i.cli.options import Subparsers, add_model_options
from s2i.core.errors import UserError
from s2i.generation import find_model
from s2i.generation.engines import available

if TYPE_CHECKING:
    from s2i.generation.model import SketchToImage

PASSWORD = "S2I_PASSWORD"  # an environment variable: other users of a machine can read the options of a command


def add_to(subparsers: Subparsers) -> None:
    """Add the command to those of `s2i`."""
    parser = subparsers.add_parser("app", help="draw photos from sketches in the browser")
    add_model_options(parser)
    parser.add_argument("--host", default="127.0.0.1", help="0.0.0.0 for other machines too (default: 127.0.0.1)")
    parser.add_argument("--port", type=int, default=7860, help="default: 7860")
    parser.add_argument("--user", help=f"ask for this name and the password in the environment variable {PASSWORD}")
    parser.set_defaults(run=run)


def run(arguments: Namespace) -> None:
    """Serve the page until Ctrl-C; raises UserError when there is no such model, or no password for the user."""
    from s2i.app import server, suggestions

    login = _login(arguments.user)
    trained = find_model.in_few_steps(find_model.find(arguments.model))
    available.check(arguments.engine, trained.params.device, arguments.compile)
    folder = Path(arguments.model)
    suggested = suggestions.of_folder(folder) if (folder / suggestions.FILE).exists() else suggestions.of_records()
    settings = server.ServerSettings(arguments.host, arguments.port, login)

    def load() -> "SketchToImage":
        from s2i.generation.model import SketchToImage  # torch and diffusers take seconds: the page does not wait

        return SketchToImage(trained, arguments.tiny_decoder, arguments.compile, arguments.engine)

    server.serve(load, trained.params, suggested, settings)


def _login(user: str | None) -> tuple[str, str] | None:
    """The name and the password that visitors need; None when no name was given, and everybody may come in."""
    if not user:
        return None
    password = os.environ.get(PASSWORD)
    if not password:
        raise UserError(f"--user needs a password: set the environment variable {PASSWORD}.")
    return user, password
