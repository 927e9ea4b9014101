"""How the page looks."""

from pathlib import Path

import gradio as gr

STYLE = Path(__file__).with_name("style.css")


def theme() -> gr.themes.Base:
    """One accent on warm greys, in light and dark."""
    return gr.themes.Base(primary_hue="teal", secondary_hue="teal", neutral_hue="stone", radius_size="lg").set(
        button_primary_background_fill="*primary_600",
        button_primary_background_fill_hover="*primary_700",
        button_primary_background_fill_dark="*primary_600",
        button_primary_background_fill_hover_dark="*primary_500",
        button_primary_text_color="white",
        button_primary_text_color_dark="white",
        color_accent="*primary_600",
        block_label_text_color="*neutral_600",
        block_label_text_color_dark="*neutral_300",
        block_title_text_color="*neutral_700",
        block_title_text_color_dark="*neutral_200",
    )
