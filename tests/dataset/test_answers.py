"""Answers of a vision language model on their way into captions, whoever gives them."""

import numpy as np
import pytest

from s2i.core import quarantine
from s2i.core.params import Caption, Vlm
from s2i.dataset.captioning import vlm
from s2i.dataset.captioning.answers import cached_answers
from s2i.dataset.captioning.captions import caption
from s2i.dataset.captioning.questions import numbered_question
from s2i.dataset.survey import caption_table
from s2i.imaging import io


def test_useless_answers_are_quarantined_and_the_next_in_turn_is_asked(ingested, tmp_path, workers, monkeypatch):
    class Answering:
        def answer(self, images, question, max_new_tokens):
            assert all(isinstance(image, np.ndarray) for image in images)
            return ["", "a" * 10_000] + [f"house {number}" for number in range(2, len(images))]

    monkeypatch.setattr(vlm, "load", lambda *_: Answering())
    records = [record | {"structure": "barn"} for record in ingested]
    settings = Caption(by=["vlm", "columns"], vlm=Vlm(batch_size=20))
    captioned = list(caption(records, tmp_path, settings, workers, device="cpu", precision="fp32"))
    assert [record["caption"] for record in captioned[:3]] == ["barn", "barn", "house 2"]
    assert [record["captioned_by"] for record in captioned].count("vlm") == 18
    assert [row["reason"] for row in quarantine.read(tmp_path)] == [
        f"empty answer of caption.vlm to {numbered_question(1)!r}: ''",
        f"answer of 10000 characters of caption.vlm to {numbered_question(1)!r}: '{'a' * 200}'",
    ]


def test_what_was_answered_before_is_not_asked_again_also_after_a_killed_run(tmp_path, ingested, monkeypatch):
    (tmp_path / "model").mkdir()
    asked = []

    class Answering:
        def answer(self, images, question, max_new_tokens):
            if len(asked) == 3:
                raise KeyboardInterrupt
            asked.append(len(images))
            return [f"house {len(asked)}"] * len(images)

    monkeypatch.setattr(vlm, "load", lambda *_: Answering())
    photos = [record["photo"] for record in ingested]

    def answers(photos, question="What is it?"):
        settings = Vlm(model=str(tmp_path / "model"), batch_size=2)
        return cached_answers(photos, question, settings, "cpu", "fp32")

    with pytest.raises(KeyboardInterrupt):
        answers(photos[:8])
    asked.clear()
    assert answers(photos[:8]) == [f"house {batch}" for batch in (1, 1, 2, 2, 3, 3, 1, 1)] and asked == [2]
    answers(photos[:9])
    assert asked == [2, 1]
    answers(photos[:1], "Where is it?")
    assert asked == [2, 1, 1]


def test_of_several_questions_the_first_captions_and_all_answers_can_be_compared(
    ingested, tmp_path, workers, monkeypatch
):
    class Answering:
        def answer(self, images, question, max_new_tokens):
            assert all(image.shape == (64, 64, 3) and (image == 0).all() for image in images), "sketches"
            return [f"a barn, asked {question}" if question == numbered_question(5) else "?"] * len(images)

    monkeypatch.setattr(vlm, "load", lambda *_: Answering())
    settings = Caption(by=["vlm"], vlm=Vlm(question=[5, 1], model="some/model", of="sketch"))
    io.write_png(tmp_path / "black.png", np.zeros((64, 64), np.uint8))
    drawn = [record | {"sketches": {"given": str(tmp_path / "black.png")}} for record in ingested]
    records = [drawn[0]] + [record | {"label": "barn"} for record in drawn[1:]]
    captioned = list(caption(records, tmp_path, settings, workers, device="cpu", precision="fp32"))
    assert {record["caption"] for record in captioned} == {f"a barn, asked {numbered_question(5)}"}
    compared = caption_table.compare(caption_table.read(tmp_path / "answers.csv")[0])
    assert set(compared["prompt"]) == {numbered_question(5), numbered_question(1)}
    assert set(compared["captions"]) == {19}
    assert set(compared["model"]) == {"some/model"} and sorted(compared["label_accuracy"]) == [0, 1]
    reasons = [row["reason"] for row in quarantine.read(tmp_path)]
    assert reasons == [f"empty answer of caption.vlm to {numbered_question(1)!r}: '?'"] * 20
