"""The page to look through photos with what was made of them: captions are mended, photos refused or accepted."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import gradio as gr

from s2i.core.errors import UserError
from s2i.dataset.review.items import Item
from s2i.dataset.review.photos_table import PhotosTable

QUIET: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden", "queue": False}
ALL, REFUSED, DUPLICATES = "all", "refused by you", "near-duplicates"


@dataclass(frozen=True)
class Parts:
    """The parts of the page, those that change with the photo last."""

    which: gr.Radio
    previous: gr.Button
    following: gr.Button
    save: gr.Button
    refuse: gr.Button
    take_back: gr.Button
    accept: gr.Button
    number: gr.Number
    name: gr.Markdown
    images: gr.Gallery
    caption: gr.Textbox
    reason: gr.Textbox
    said: gr.Markdown


def build(items: Sequence[Item], table: PhotosTable) -> gr.Blocks:
    """The page of these photos, which writes into that photos.csv and nothing else."""
    with gr.Blocks(title="s2i: look through photos", analytics_enabled=False) as blocks:
        parts = _lay_out()
        changing = [parts.number, parts.name, parts.images, parts.caption, parts.reason, parts.said]
        fields = [parts.which, parts.number, parts.caption, parts.reason]

        def go(step: int) -> Callable[[str, float], list[Any]]:
            return lambda which, number: _shown(_chosen(items, table, which), int(number or 1) + step, table)

        def change(said: str, cells: Callable[[str, str], dict[str, str]]) -> Callable[..., list[Any]]:
            """A handler that writes the cells that come of caption and reason, and says what was done."""

            def on_click(which: str, number: float, caption: str, reason: str) -> list[Any]:
                chosen = _chosen(items, table, which)
                try:
                    if not chosen:
                        raise UserError("no photo is shown: choose others above.")
                    item = chosen[_index(number, chosen)]
                    table.change(item.name, **cells(caption, reason))
                    updates = _shown(_chosen(items, table, which), int(number), table)
                except UserError as error:
                    return [*[gr.skip()] * (len(changing) - 1), f"Not written: {error}"]
                return [*updates[:-1], f"{item.name}: {said}. `dvc repro` applies it."]

            return on_click

        for button, handler in (
            (parts.save, change("caption saved", lambda caption, _: {"caption": caption})),
            (parts.refuse, change("refused", lambda _, reason: {"refused": reason.strip() or "by a review"})),
            (parts.take_back, change("no longer refused", lambda *_: {"refused": "", "distinct": ""})),
            (parts.accept, change("accepted as another motif", lambda *_: {"distinct": "yes"})),
        ):
            button.click(handler, fields, changing, **QUIET)
        for event, step in ((parts.previous.click, -1), (parts.following.click, 1), (parts.number.submit, 0)):
            event(go(step), fields[:2], changing, **QUIET)
        parts.which.change(lambda which: go(0)(which, 1), parts.which, changing, **QUIET)
        blocks.load(go(0), fields[:2], changing, **QUIET)
    return blocks


def _lay_out() -> Parts:
    gr.HTML("<h1>Look through photos</h1>", elem_id="title")
    which = gr.Radio([ALL, REFUSED, DUPLICATES], value=ALL, label="Photos", elem_id="which")
    with gr.Row():
        previous = gr.Button("Previous", elem_id="previous")
        number = gr.Number(1, label="Photo", precision=0, minimum=1, elem_id="number")
        following = gr.Button("Next", elem_id="next")
    name = gr.Markdown(elem_id="name")
    images = gr.Gallery(
        columns=4, height="auto", object_fit="contain", format="png", show_label=False, elem_id="images"
    )
    caption = gr.Textbox(label="Caption", elem_id="caption")
    reason = gr.Textbox(label="Why it is refused", placeholder="blurred", elem_id="reason")
    with gr.Row():
        save = gr.Button("Save caption", variant="primary", elem_id="save")
        refuse = gr.Button("Refuse photo", elem_id="refuse")
        take_back = gr.Button("Take back", elem_id="take-back")
        accept = gr.Button("Not a duplicate", elem_id="accept")
    said = gr.Markdown(elem_id="said")
    return Parts(
        which, previous, following, save, refuse, take_back, accept, number, name, images, caption, reason, said
    )


def _chosen(items: Sequence[Item], table: PhotosTable, which: str) -> list[Item]:
    if which == DUPLICATES:
        return [item for item in items if item.twin]
    if which == REFUSED:
        refused = table.column("refused")
        return [item for item in items if refused.get(item.name)]
    return [item for item in items if not item.twin]


def _index(number: float, chosen: Sequence[Item]) -> int:
    return min(max(int(number or 1), 1), len(chosen)) - 1


def _shown(chosen: Sequence[Item], number: int, table: PhotosTable) -> list[Any]:
    """Values of number, name, images, caption, reason and said for a photo, counted from 1."""
    if not chosen:
        return [1, "No photos.", [], "", "", ""]
    index = _index(number, chosen)
    item = chosen[index]
    marks = [item.split, f"refused as a near-duplicate of {item.twin}" if item.twin else ""]
    marks += ["accepted as another motif"] if table.column("distinct").get(item.name) else []
    title = f"{index + 1} of {len(chosen)}: `{item.name}` " + ", ".join(mark for mark in marks if mark)
    caption = table.column("caption").get(item.name) or item.caption
    return [index + 1, title, item.pictures(), caption, table.column("refused").get(item.name, ""), ""]
