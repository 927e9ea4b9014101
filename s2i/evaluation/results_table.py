"""The table of results in the README, made of what `evaluate` wrote: `python -m s2i.evaluation.results_table`.

It stands between two comments, and a test says when it is not that of the metrics.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from s2i.core.files import whole_file
from s2i.metrics.registry import METRICS

FIGURES, INTERVALS = Path("metrics/evaluate.json"), Path("metrics/evaluate/intervals.csv")
BEGIN, END = "<!-- results of metrics/evaluate -->", "<!-- end of results -->"
SETS = {
    "target": "photos themselves",
    "autoencoder": "autoencoder",
    "finetuned": "fine-tuned",
    "base_edges": "base on edges",
    "base": "base",
    "shuffled": "other photos",
}
SHOWN = (
    "lpips",
    "lpips_vgg",
    "st_lpips",
    "sharpness",
    "band_power_middle",
    "edge_f1",
    "resketch_f1",
    "balcony_recall",
    "window_recall",
    "window_count_error",
    "color_match",
    "material_match",
    "nearer_to_training",
    "kid_efficientnet_lite0",
    "fd_efficientnet_lite0",
)


def results_table(figures: Mapping, intervals: pd.DataFrame) -> str:
    """Markdown with a row a metric and a column a set of images; figures and intervals are those of `evaluate`."""
    sets = {name: title for name, title in SETS.items() if figures.get(name)}
    ends = intervals.set_index(["set", "metric"])[["low", "high"]].to_dict("index")
    lines = [f"| metric | better is | {' | '.join(sets.values())} |", "|---" * (len(sets) + 2) + "|"]
    for metric in (name for name in SHOWN if name in figures["finetuned"]):
        cells = [_cell(figures[name].get(metric), ends.get((name, metric))) for name in sets]
        lines.append(f"| `{metric}` | {METRICS[metric].better} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _cell(value: float | None, interval: Mapping[Any, float] | None) -> str:
    if value is None:
        return ""
    if value >= 100:
        return f"{value:.1f}"
    if interval is None or interval["low"] == interval["high"]:
        return f"{value:.3f}"
    return f"{value:.3f} ({interval['low']:.3f} to {interval['high']:.3f})"


def updated(page: str, table: str) -> str:
    """A page with the table in the place of the one between the two comments."""
    before, _, rest = page.partition(BEGIN)
    return f"{before}{BEGIN}\n{table}\n{END}{rest.partition(END)[2]}"


def of_last_run() -> str:
    """The table of the metrics in the working folder."""
    return results_table(json.loads(FIGURES.read_text(encoding="utf-8")), pd.read_csv(INTERVALS))


if __name__ == "__main__":
    readme = Path("README.md")
    page = updated(readme.read_text(encoding="utf-8"), of_last_run())
    with whole_file(readme) as draft:
        draft.write_text(page, encoding="utf-8")
