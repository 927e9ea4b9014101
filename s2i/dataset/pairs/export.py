"""Pairs written for other trainers, in the layout of each, with a data card."""

from collections.abc import Callable, Collection, Iterable
from itertools import chain
from pathlib import Path

from jinja2 import Environment, StrictUndefined

from s2i.core.output_folders import whole_folder
from s2i.core.parallel import fan_out
from s2i.core.params import Workers
from s2i.core.records import SPLITS
from s2i.dataset.pairs import folders, shards
from s2i.dataset.pairs.pairs import Export, Pair, Summary, pairs_of

LAYOUTS: dict[str, Callable[[Iterable[Pair], Export], None]] = {
    "hf": shards.write_hf,
    "kohya": folders.write_kohya,
    "simpletuner": folders.write_simpletuner,
    "ai-toolkit": folders.write_ai_toolkit,
    "webdataset": shards.write_webdataset,
}
HUB_LICENCES = (
    frozenset(  # that the model hub knows by these names: https://huggingface.co/docs/hub/repositories-licenses
        {"cc0-1.0", "cc-by-3.0", "cc-by-4.0", "cc-by-sa-3.0", "cc-by-sa-4.0", "cc-by-nc-4.0", "mit", "apache-2.0"}
    )
)


def export_pairs(records: Collection[dict], layout: str, target: Path, mask_weight: float, workers: Workers) -> Summary:
    """Write the pairs of the records into the folder ``target``, as a tool reads them; layout: one of `LAYOUTS`.

    mask_weight: of the loss outside the building.
    Raises UserError when the records have no sketches or captions, and as `whole_folder`.
    """
    with whole_folder(target) as folder:
        summary = Summary()
        pairs = chain.from_iterable(fan_out(pairs_of, records, "exporting", workers))
        LAYOUTS[layout](summary.counting(pairs), Export(folder, target.resolve(), summary, mask_weight))
        (folder / "README.md").write_text(card(summary, layout), encoding="utf-8", newline="\n")
    return summary


def card(summary: Summary, layout: str) -> str:
    """The data card of an export, as card.md.j2 lays it out, under the header that the model hub reads."""
    licences = [licence.lower() for licence in summary.licences]
    template = Path(__file__).with_name("card.md.j2").read_text(encoding="utf-8")
    environment = Environment(trim_blocks=True, keep_trailing_newline=True, undefined=StrictUndefined)
    return environment.from_string(template).render(
        summary=summary,
        layout=layout,
        files={"hf": "data/{}-*.parquet", "webdataset": "{}-*.tar"}.get(layout),
        splits={split: shards.HUB_SPLITS[split] for split in SPLITS if summary.splits[split]},
        licence=licences[0] if len(licences) == 1 and licences[0] in HUB_LICENCES else "other",
    )
