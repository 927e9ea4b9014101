"""Who captions photos: their columns, the attributes that probes read off them, and a vision language model."""

import csv
from collections.abc import Collection, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Protocol

from s2i.core.parallel import fan_out
from s2i.core.params import Caption, Vlm, Workers
from s2i.core.quarantine import Refused
from s2i.dataset.captioning import attributes
from s2i.dataset.captioning.questions import questions_of, refusal_of
from s2i.vocabulary.attributes import MAIN_PARTS, PARTS, given_parts, words_by_part

QUOTED_CHARACTERS = 200  # of an answer that is no caption


class Captioner(Protocol):
    """Somebody who is asked about photos.

    A record comes with `described` {part: word} and `described_by` {part: who said so}, and with `caption` and
    `captioned_by` where an earlier captioner had a whole sentence.
    """

    @property
    def refused(self) -> Sequence[Refused]:
        """Answers so far that are no captions."""

    def wants(self, record: dict) -> bool:
        """Whether this captioner could say something of a photo that is not known yet."""

    def caption(self, records: list[dict]) -> list[dict]:
        """The records with what this captioner says of each."""


def captioners_by(params: Caption, folder: Path, workers: Workers, device: str, precision: str) -> list[Captioner]:
    """The captioners that `caption.by` names, in turn; folder: where all answers to several questions are written."""
    captioners: dict[str, Captioner] = {
        "columns": Columns(),
        "attributes": Attributes(Path(params.attributes), workers),
        "vlm": VisionLanguage(params.vlm, device, precision, folder / "answers.csv"),
    }
    return [captioners[name] for name in params.by if name != "none"]


class Columns:
    """What photos.csv says of a photo; a caption that came with it wins."""

    refused = ()

    def wants(self, record: dict) -> bool:
        return _lacks_a_caption(record)

    def caption(self, records: list[dict]) -> list[dict]:
        return [_with_columns(record) for record in records]


class Attributes:
    """What probes read off the photo: also parts that no caption names; wordings of prompts and the survey do."""

    refused = ()

    def __init__(self, probes: Path, workers: Workers):
        self.probes, self.workers = probes, workers

    def wants(self, record: dict) -> bool:
        unknown = set(PARTS) - record["described"].keys()
        return _lacks_a_caption(record) or any(record.get(part) is None for part in unknown)

    def caption(self, records: list[dict]) -> list[dict]:
        read = partial(_with_attributes, probes=self.probes)
        return list(fan_out(read, records, "reading attributes", self.workers, leave=False))


class VisionLanguage:
    """What a model answers to a question about the photo, or about its sketch.

    Asked several questions, it answers the first with the caption, and all into ``file``, for `s2i captions`.
    """

    def __init__(self, settings: Vlm, device: str, precision: str, file: Path):
        self.settings, self.device, self.precision, self.file = settings, device, precision, file
        self.refused: list[Refused] = []

    def wants(self, record: dict) -> bool:
        return _lacks_a_caption(record)

    def caption(self, records: list[dict]) -> list[dict]:
        from s2i.dataset.captioning.answers import cached_answers  # with an HTTP client, or with torch

        images = [_image_path(record, self.settings.of) for record in records]
        asked = questions_of(self.settings.question)
        answers = {
            question: cached_answers(images, question, self.settings, self.device, self.precision) for question in asked
        }
        if len(asked) > 1:
            _write_answers(records, answers, self.settings.model, self.file)
        for question in answers:
            for record, answer in zip(records, answers[question], strict=True):
                if reason := refusal_of(answer):
                    detail = f"of caption.vlm to {question!r}: {answer[:QUOTED_CHARACTERS]!r}"
                    self.refused.append(Refused(record["source"], reason, detail))
        return [
            record if refusal_of(answer) else record | {"caption": answer, "captioned_by": "vlm"}
            for record, answer in zip(records, answers[asked[0]], strict=True)
        ]


def _lacks_a_caption(record: dict) -> bool:
    return "caption" not in record and not set(MAIN_PARTS) <= record["described"].keys()


def _with_columns(record: dict) -> dict:
    described = _describe(record, "columns", given_parts(record))
    if record.get("given_caption"):
        described |= {"caption": record["given_caption"], "captioned_by": "caption"}
    return described


def _with_attributes(record: dict, probes: Path) -> dict:
    """A record with all that can be read off its photo, less the parts of which a column says that there are none."""
    prediction = attributes.read_attributes(record["photo"], probes) | {"color": attributes.wall_color(record)}
    possible = {part: value for part, value in prediction.items() if record.get(part) not in (False, 0)}
    denied = [part for part, value in possible.items() if not value]
    return _describe(record, "attributes", words_by_part(possible), denied)


def _describe(record: dict, origin: str, words: Mapping[str, str], denied: Collection[str] = ()) -> dict:
    """A record with words of the parts that nobody described before; denied: parts that are said not to be there."""
    new = {part: word for part, word in words.items() if part not in record["described"]}
    return record | {
        "described": record["described"] | new,
        "described_by": dict.fromkeys(denied, origin) | record["described_by"] | dict.fromkeys(new, origin),
    }


def _image_path(record: dict, of: str) -> str:
    return record["photo"] if of == "photo" else next(iter(record["sketches"].values()))


def _write_answers(records: list[dict], answers: Mapping[str, list[str]], model: str, file: Path) -> None:
    """Append what was answered of the photos that have a class, as `s2i.dataset.survey.caption_table` reads it."""
    with open(file, "a", encoding="utf-8", newline="") as lines:
        writer = csv.writer(lines)
        if not lines.tell():
            writer.writerow(("image", "label", "model", "prompt", "answer"))
        for question in answers:
            for record, answer in zip(records, answers[question], strict=True):
                if label := record.get("structure") or record.get("label"):
                    writer.writerow((record["source"], label, model, question, answer))
