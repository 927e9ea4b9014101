"""What a photo is called: `caption.by` names the captioners, who are asked in turn until all of it is known."""

from collections.abc import Collection, Iterable, Iterator
from pathlib import Path

from tqdm import tqdm

from s2i.core import quarantine
from s2i.core.parallel import chunked
from s2i.core.params import Caption, Workers
from s2i.dataset.captioning.captioners import Captioner, captioners_by
from s2i.vocabulary import prompts
from s2i.vocabulary.attributes import MAIN_PARTS

PHOTOS_AT_ONCE = 256  # that a captioner gets

NOT_DESCRIBED: dict[str, dict] = {"described": {}, "described_by": {}}


def caption(
    records: Collection[dict], folder: Path, params: Caption, workers: Workers, device: str, precision: str
) -> Iterator[dict]:
    """The records with `caption`, `captioned_by`, `described` and `described_by`.

    `described` {part: word} is what the caption is made of.  `described_by` {part: "columns" or "attributes"} is where
    each word comes from; it also holds the parts that are known to be absent.  Only what no column gives is read off
    the photo, and the columns themselves stay as they are.  `captioned_by` is

    - caption: the photo came with a caption;
    - columns: the caption is made of photos.csv;
    - attributes: a part of it was read off the photo;
    - vlm: a vision language model answered with it;
    - none: nothing is known of the photo, and the caption is empty.

    With ``params.fixed`` all photos have this caption, and nobody is asked.
    Where the answer of a model is no caption, it goes into folder/quarantine.csv and the next captioner is asked.
    """
    if params.fixed is not None:
        yield from (record | {"caption": params.fixed, "captioned_by": "caption"} | NOT_DESCRIBED for record in records)
        return
    captioners = captioners_by(params, folder, workers, device, precision)
    described: Iterable[dict] = (record | NOT_DESCRIBED for record in records)
    for captioner in captioners:
        described = _ask(captioner, described)
    for record in tqdm(described, desc="captioning", total=len(records), unit="photo"):
        yield _captioned(record)
    quarantine.write([answer for captioner in captioners for answer in captioner.refused], folder)


def _ask(captioner: Captioner, records: Iterable[dict]) -> Iterator[dict]:
    """The records, in order, after a captioner was asked about those that it wants."""
    for chunk in chunked(records, PHOTOS_AT_ONCE):
        indices = [index for index, record in enumerate(chunk) if captioner.wants(record)]
        if indices:
            captioned = captioner.caption([chunk[index] for index in indices])
            for index, record in zip(indices, captioned, strict=True):
                chunk[index] = record
        yield from chunk


def _captioned(record: dict) -> dict:
    """The record with the caption that stays."""
    if "caption" in record:
        return record
    if not record["described"]:
        return record | {"caption": "", "captioned_by": "none"}
    origins = {record["described_by"].get(part) for part in MAIN_PARTS}
    origin = "attributes" if "attributes" in origins else "columns"
    return record | {"caption": prompts.plain(record["described"]), "captioned_by": origin}
