"""What a visitor is told when something is wrong."""

import traceback

import gradio as gr

from s2i.core.errors import UserError


def error(cause: Exception) -> gr.Error:
    """What to raise for the visitor; what is no UserError may name paths, and is printed in the terminal alone."""
    sentence = str(cause)
    if not isinstance(cause, UserError):
        traceback.print_exception(cause)
        sentence = "something went wrong in the server, whose terminal says more; try again."
    return gr.Error(_capitalised(sentence), title="Not drawn", print_exception=False)


def warn(sentence: str) -> None:
    """Show that the prompt is too long."""
    gr.Warning(_capitalised(sentence), title="Too long")


def _capitalised(sentence: str) -> str:
    return sentence[0].upper() + sentence[1:]
