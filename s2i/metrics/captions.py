"""How captions of one kind compare with those of another: do they name the class, how long are they, do they repeat."""

import re
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path

import numpy as np
import yaml


def names_label(answer: str, label: str) -> bool:
    """Whether an answer names the class, as a whole word, in the plural too, or by a synonym.

    label: as the Sketchy database writes it: for car_(sedan), "car" and "sedan" will do, "carpet" will not; whether its
    words are joined by spaces, hyphens or nothing does not count.
    """
    main, _, detail = label.replace("_", " ").partition("(")
    main, detail = main.strip().lower(), detail.strip(" )").lower()
    names = {main, *_synonyms().get(main, ())} | ({detail} if detail else set())
    names |= {re.sub(*ending, name) for name in names for ending in (("y$", "ie"), ("fe?$", "ve"))}  # before an s
    joined = (r"[\s_-]*".join(map(re.escape, re.split(r"[\s_-]+", name))) for name in names if name.strip("-"))
    pattern = "|".join(f"{name}(?:e?s)?" for name in joined)
    return re.search(rf"(?<!\w)(?:{pattern})(?!\w)", re.sub("['\u2019]", "", answer.lower())) is not None


def words(text: str) -> list[str]:
    """The words of a text in lower case."""
    return re.findall(r"[^\W_]+(?:['-][^\W_]+)*", text.lower())


def distinctness(answers: Sequence[str]) -> float:
    """Share of the pairs of neighbouring words, over all answers, that are not repeated; 0 where there are none.

    Source: distinct-2 of Li et al., "A diversity-promoting objective function for neural conversation models", 2016.
    """
    pairs = [pair for answer in answers for pair in zip(words(answer), words(answer)[1:], strict=False)]
    return len(set(pairs)) / len(pairs) if pairs else 0.0


def yngve_depth(heads: Sequence[int]) -> float:
    """How much of a sentence is still open while it is read: the mean depth of its words after Yngve.

    heads: for each word the index of the word it depends on, its own index for the root of a sentence.  A word and
    what depends on it is a constituent, whose parts in their order are the words' own constituents and the word; the
    branches of a constituent are numbered from the right, from 0, and a word's depth is the sum on its way from the
    root.  0 for a single word, and where there are no words.
    Source: Yngve, "A model and an hypothesis for language structure", 1960, on the constituents of a dependency tree.
    """
    parts: dict[int, list[int]] = {word: [word] for word in range(len(heads))}
    for word, head in enumerate(heads):
        if head != word:
            parts[head].append(word)
    depths = []
    open_parts = [(word, 0) for word, head in enumerate(heads) if word == head]
    while open_parts:
        constituent, above = open_parts.pop()
        for branch, part in enumerate(sorted(parts[constituent], reverse=True)):
            if part == constituent:
                depths.append(above + branch)
            else:
                open_parts.append((part, above + branch))
    return float(np.mean(depths)) if depths else 0.0


@cache
def parser() -> Callable[[str], list[int]] | None:
    """A function from a text to the heads of its words, by spaCy's small English model; None where it is missing."""
    try:
        import spacy

        model = spacy.load("en_core_web_sm")
    except (ImportError, OSError):  # OSError: spaCy without the model
        return None
    return lambda text: [token.head.i for token in model(text)]


@cache
def _synonyms() -> dict[str, list[str]]:
    """By class what else people call it."""
    synonyms: dict[str, list[str]] = yaml.safe_load(Path(__file__).with_name("synonyms.yaml").read_text("utf-8"))
    return synonyms
