"""`s2i app`: the page in the browser."""

import os
from pathlib import Path

from s2i.cli.generate import add_model
from s2i.core.errors import UserError
from s2i.generation import engines, find_model

PASSWORD = "S2I_PASSWORD"


def add_to(commands) -> None:
    """Add the command to the subparsers of `s2i`."""
    app = commands.add_parser("app", help="draw photos from sketches in the browser")
    add_model(app)
    app.add_argument("--host", default="127.0.0.1", help="0.0.0.0 for other machines too (default: 127.0.0.1)")
    app.add_argument("--port", type=int, default=7860, help="default: 7860")
    app.add_argument("--user", help=f"ask for this name and the password in the environment variable {PASSWORD}")
    app.set_defaults(run=run)


def run(
    model: str, tiny_decoder: str | None, compile: bool, engine: str, host: str, port: int, user: str | None
) -> None:
    """Serve the page until Ctrl-C; raises UserError when there is no such model, or no password for the user."""
    from s2i.app import server, suggestions

    password = os.environ.get(PASSWORD)
    if user and not password:
        raise UserError(f"--user needs a password: set the environment variable {PASSWORD}.")
    login = (user, password) if user else None
    found = find_model.in_few_steps(find_model.find(model))
    engines.check(engine, found.params.device, compile)
    place = Path(model)
    offered = suggestions.of_folder(place) if (place / suggestions.FILE).exists() else suggestions.of_records()
    computing = {"tiny_decoder": tiny_decoder, "compile": compile, "engine": engine}
    server.launch(found, offered, host=host, port=port, login=login, **computing)
