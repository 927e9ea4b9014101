"""Sentences that a new word is learned in, so that it is bound to none of them.

Source: Gal et al. 2022, "An image is worth one word", whose code takes the neutral ones from Radford et al. 2021,
"Learning transferable visual models from natural language supervision"; diffusers has the same lists.
"""

from collections.abc import Iterable

OF_OBJECT = (
    *("a {medium} of a {token}", "a rendering of a {token}", "a cropped {medium} of the {token}"),
    *("the {medium} of a {token}", "a {medium} of a clean {token}", "a {medium} of a dirty {token}"),
    *("a dark {medium} of the {token}", "a {medium} of my {token}", "a {medium} of the cool {token}"),
    *("a close-up {medium} of a {token}", "a bright {medium} of the {token}", "a cropped {medium} of a {token}"),
    *("a {medium} of the {token}", "a good {medium} of the {token}", "a {medium} of one {token}"),
    *("a close-up {medium} of the {token}", "a rendition of the {token}", "a {medium} of the clean {token}"),
    *("a rendition of a {token}", "a {medium} of a nice {token}", "a good {medium} of a {token}"),
    *("a {medium} of the nice {token}", "a {medium} of the small {token}", "a {medium} of the weird {token}"),
    *("a {medium} of the large {token}", "a {medium} of a cool {token}", "a {medium} of a small {token}"),
)
IN_STYLE = (
    *("a painting in the style of {token}", "a rendering in the style of {token}"),
    *("a cropped painting in the style of {token}", "the painting in the style of {token}"),
    *("a clean painting in the style of {token}", "a dirty painting in the style of {token}"),
    *("a dark painting in the style of {token}", "a picture in the style of {token}"),
    *("a cool painting in the style of {token}", "a close-up painting in the style of {token}"),
    *("a bright painting in the style of {token}", "a cropped painting in the style of {token}"),
    *("a good painting in the style of {token}", "a close-up painting in the style of {token}"),
    *("a rendition in the style of {token}", "a nice painting in the style of {token}"),
    *("a small painting in the style of {token}", "a weird painting in the style of {token}"),
    "a large painting in the style of {token}",
)


def expanded(templates: Iterable[str], medium: str) -> list[str]:
    """The templates, with a list in the place of "object" and of "style"; medium: "photo" or "drawing"."""
    lists = {"object": OF_OBJECT, "style": IN_STYLE}
    return [
        sentence.replace("{medium}", medium) for template in templates for sentence in lists.get(template, [template])
    ]
