"""What a photo is called: `caption.by` names who is asked, in turn, until somebody knows all of it."""

import csv
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from functools import partial
from pathlib import Path

from tqdm import tqdm

from s2i.core import cache, quarantine
from s2i.core.parallel import chunked, fan_out
from s2i.core.params import Caption, Vlm, Workers
from s2i.core.quarantine import Refused
from s2i.dataset.captioning import attributes
from s2i.vocabulary import prompts
from s2i.vocabulary.attributes import PARTS, given_parts, words_by_part

SOUGHT = ("structure", "color", "material")
AT_ONCE = 256  # photos that a captioner is asked about
KEPT = 200  # characters of a refused answer


def caption(
    records: Collection[dict], folder: Path, seed: int, params: Caption, workers: Workers, device: str, precision: str
) -> Iterator[dict]:
    """The records with `caption`, `captioned_by`, `described` and `described_by`.

    `described` {part: word} is what the caption is made of, `described_by` {part: "columns" or "attributes"} who said
    so, also of a part that is said not to be there: read off the photo is only what nobody gave, and no column is
    touched.  `captioned_by` is caption (one came with the photo), columns (photos.csv knew), attributes (a part of it
    was read off the photo), vlm (a model answered), none (nobody knew anything) or empty (left so on purpose, a share
    of the training photos).  Answers that are no captions go into folder/quarantine.csv, and the next in `caption.by`
    is asked.
    """
    refused: list[Refused] = []
    read_off = partial(_with_attributes, probes=Path(params.attributes))
    captioners = {
        "columns": lambda lacking: [_with_columns(record) for record in lacking],
        "attributes": lambda lacking: list(fan_out(read_off, lacking, "reading attributes", workers, leave=False)),
        "vlm": partial(
            _with_answers,
            settings=params.vlm,
            device=device,
            precision=precision,
            refused=refused,
            file=folder / "answers.csv",
        ),
    }
    described = (record | {"described": {}, "described_by": {}} for record in records)
    for captioner in (one for one in params.by if one != "none"):
        wanting = _lacks_a_part if captioner == "attributes" else _lacks_a_caption
        described = _asked(described, captioners[captioner], wanting)
    for record in tqdm(described, desc="captioning", total=len(records), unit="photo"):
        yield _captioned(record, seed, params.empty)
    quarantine.write(refused, folder)


def _asked(
    records: Iterable[dict], captioner: Callable[[list[dict]], list[dict]], wanting: Callable[[dict], bool]
) -> Iterator[dict]:
    """The records, those that are wanting after a captioner was asked."""
    for chunk in chunked(records, AT_ONCE):
        lacking = [place for place, record in enumerate(chunk) if wanting(record)]
        if lacking:
            for place, record in zip(lacking, captioner([chunk[place] for place in lacking]), strict=True):
                chunk[place] = record
        yield from chunk


def _lacks_a_caption(record: dict) -> bool:
    return "caption" not in record and not set(SOUGHT) <= record["described"].keys()


def _lacks_a_part(record: dict) -> bool:
    """Whether the survey, or a wording of the prompt, would miss something that no column gives."""
    unknown = set(PARTS) - record["described"].keys()
    return _lacks_a_caption(record) or any(record.get(part) is None for part in unknown)


def _with_columns(record: dict) -> dict:
    completed = _completed(record, "columns", given_parts(record))
    if record.get("given_caption"):
        completed |= {"caption": record["given_caption"], "captioned_by": "caption"}
    return completed


def _with_answers(
    records: list[dict], settings: Vlm, device: str, precision: str, refused: list[Refused], file: Path
) -> list[dict]:
    """Records with the caption that a model answers; answers that are no captions are added to ``refused``.

    Asked several questions, it answers the first with the caption, and all into ``file``, for `s2i captions`.
    """
    from s2i.core import devices  # with torch, which takes seconds
    from s2i.dataset.captioning import vlm

    images = [_looked_at(record, settings.of) for record in records]
    questions = [vlm.question(number) for number in settings.question]
    asked = {one: vlm.answers(images, one, settings, *devices.pick(device, precision)) for one in questions}
    if len(questions) > 1:
        _write_answers(records, asked, settings.model, file)
    for one, answers in asked.items():
        for record, answer in zip(records, answers, strict=True):
            if reason := vlm.why_useless(answer):
                refused.append(Refused(record["source"], reason, f"of caption.vlm to {one!r}: {answer[:KEPT]!r}"))
    return [
        record if vlm.why_useless(answer) else record | {"caption": answer, "captioned_by": "vlm"}
        for record, answer in zip(records, asked[questions[0]], strict=True)
    ]


def _write_answers(records: list[dict], asked: Mapping[str, list[str]], model: str, file: Path) -> None:
    """Append what was answered of the photos that have a class, as `s2i.dataset.survey.caption_table` reads it."""
    with open(file, "a", encoding="utf-8", newline="") as lines:
        writer = csv.writer(lines)
        if not lines.tell():
            writer.writerow(("image", "label", "model", "prompt", "answer"))
        for question, answers in asked.items():
            for record, answer in zip(records, answers, strict=True):
                if label := record.get("structure") or record.get("label"):
                    writer.writerow((record["source"], label, model, question, answer))


def _looked_at(record: dict, of: str) -> str:
    return record["photo"] if of == "photo" else next(iter(record["sketches"].values()))


def _completed(record: dict, origin: str, found: Mapping[str, str], denied: Collection[str] = ()) -> dict:
    new = {part: word for part, word in found.items() if part not in record["described"]}
    return record | {
        "described": record["described"] | new,
        "described_by": dict.fromkeys(denied, origin) | record["described_by"] | dict.fromkeys(new, origin),
    }


def _with_attributes(record: dict, probes: Path) -> dict:
    """A record with all that can be read off its photo, less the parts of which a column says that there are none."""
    prediction = attributes.read_off(record["photo"], probes) | {"color": attributes.wall_color(record)}
    unsaid = {part: value for part, value in prediction.items() if record.get(part) not in (False, 0)}
    denied = [part for part, value in unsaid.items() if not value]
    return _completed(record, "attributes", words_by_part(unsaid), denied)


def _captioned(record: dict, seed: int, empty: float) -> dict:
    if record["split"] == "train" and int(cache.fingerprint(seed, "caption", record["id"])[:13], 16) < empty * 16**13:
        return record | {"caption": "", "captioned_by": "empty"}
    if "caption" in record:
        return record
    if not record["described"]:
        return record | {"caption": "", "captioned_by": "none"}
    origin = "attributes" if "attributes" in map(record["described_by"].get, SOUGHT) else "columns"
    return record | {"caption": prompts.plain(record["described"]), "captioned_by": origin}
