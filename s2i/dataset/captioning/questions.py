"""What a vision language model is asked, and which of its answers are captions."""

import functools
from collections.abc import Sequence
from pathlib import Path

import yaml

from s2i.core.errors import UserError

MAX_CHARACTERS = 500  # a longer answer is that of a model that does not stop


def questions_of(asked: Sequence[int | str]) -> list[str]:
    """The questions that caption.vlm.question names: by their numbers in questions.yaml, or as they are."""
    return [numbered_question(question) if isinstance(question, int) else question for question in asked]


def numbered_question(number: int) -> str:
    """A question of questions.yaml, counted from 1; raises UserError when it has fewer."""
    questions = _questions()
    if number > len(questions):
        file = "s2i/dataset/captioning/questions.yaml"
        raise UserError(f"caption.vlm.question is {number}, but {file} has {len(questions)}.")
    return questions[number - 1]


def refusal_of(answer: str) -> str | None:
    """Why an answer is no caption, or None if it is one."""
    if not any(letter.isalnum() for letter in answer):
        return "empty answer"
    return f"answer of {len(answer)} characters" if len(answer) > MAX_CHARACTERS else None


@functools.cache
def _questions() -> list[str]:
    return yaml.safe_load(Path(__file__).with_name("questions.yaml").read_text(encoding="utf-8"))
