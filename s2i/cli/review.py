"""`s2i review`: look through photos, sketches, mattes and captions in the browser, and change photos.csv."""

from argparse import Namespace
from pathlib import Path
from typing import TYPE_CHECKING

from s2i.cli.options import Subparsers
from s2i.core import params_file
from s2i.core.errors import UserError

if TYPE_CHECKING:
    import gradio as gr


def add_to(subparsers: Subparsers) -> None:
    """Add the command to those of `s2i`."""
    parser = subparsers.add_parser("review", help="look through the photos in the browser; writes photos.csv alone")
    parser.add_argument("--photos", type=Path, default=Path("data/photos"), help="default: data/photos")
    parser.add_argument("--data", type=Path, default=Path("data"), help="where the stages write (default: data)")
    parser.add_argument("--port", type=int, default=7861, help="default: 7861")
    parser.set_defaults(run=run)


def run(arguments: Namespace) -> None:
    """Serve the page until Ctrl-C, on this machine alone.

    Raises UserError when no stage has run, or photos come from elsewhere than a folder with photos.csv.
    """
    from s2i.app import server
    from s2i.dataset.review.items import items
    from s2i.dataset.review.photos_table import PhotosTable

    ingest = params_file.load().ingest
    if ingest.source != "folder" or (ingest.url and not Path(ingest.url).is_dir()):
        raise UserError("a review writes photos.csv, which only ingest.source folder without an address has.")
    photos = Path(ingest.url) if ingest.url else arguments.photos
    found, table = items(arguments.data, photos), PhotosTable(photos)
    table.column("file")  # one that cannot be changed is said before there is a page

    def build(folder: Path) -> "gr.Blocks":
        from s2i.app import review

        return review.build(found, table)

    with server.hosted(build, server.ServerSettings(port=arguments.port)) as (blocks, url):
        server.wait(blocks, url)
