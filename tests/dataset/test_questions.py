import pytest

from s2i.core.errors import UserError
from s2i.core.params import Vlm
from s2i.dataset.captioning.questions import numbered_question, questions_of, refusal_of


def test_there_are_ten_questions_and_no_eleventh():
    assert len({numbered_question(number) for number in range(1, 11)}) == 10
    with pytest.raises(UserError, match=r"caption.vlm.question is 11, but .*questions.yaml has 10"):
        numbered_question(11)


def test_questions_are_named_by_number_or_asked_in_words():
    assert questions_of(Vlm(question="<CAPTION>").question) == ["<CAPTION>"]
    assert questions_of(Vlm(question=[5, "How old is it?"]).question) == [numbered_question(5), "How old is it?"]


@pytest.mark.parametrize("question", [0, -1, "", "  ", [], [1, None], 1.5])
def test_what_is_no_question_is_refused(question):
    with pytest.raises(ValueError, match=r"each question must be a number from 1, or a text|at least 1 item"):
        Vlm(question=question)


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ("", "empty answer"),
        (" .\n", "empty answer"),
        ("a" * 10_000, "answer of 10000 characters"),
        ("a red house", None),
    ],
)
def test_an_answer_that_is_no_caption_is_told(answer, reason):
    assert refusal_of(answer) == reason
