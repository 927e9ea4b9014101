"""The tables, plots and mosaics of a study."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from s2i.core.params import Params
from s2i.core.user_files import read_yaml
from s2i.imaging import io
from s2i.imaging.mosaics import grid, mosaic
from s2i.imaging.plots import pyplot, save
from s2i.metrics.registry import FID_MIN_IMAGES

DISTANCES = ("fid", "fd_efficientnet_lite0")  # the first that is there orders the variants
PLURAL = {"sketch": "sketches", "photo": "photos"}


def write(
    study: Mapping[str, Any], scores: pd.DataFrame, pairwise: Mapping[str, pd.DataFrame], folder: Path, params: Params
) -> None:
    """table.csv, table.md, ranked.png, matrix.png and classes.png of a study.

    study, scores and pairwise are the figures, the table of images and the distances that `compare.compare` makes.
    """
    table = pd.DataFrame({name: _flat(values) for name, values in study["variants"].items()}).T
    distance = next(name for name in DISTANCES if name in table)
    table = table.sort_values(distance, na_position="first")
    published = read_yaml(Path(params.study.published)) if params.study.published else {}
    table["published_fid"] = pd.Series(_published_of_the_same_method(published, params), dtype=float)
    table.to_csv(folder / "table.csv", index_label="variant", float_format="%.4g")
    for name, matrix in pairwise.items():
        matrix.to_csv(folder / f"pairwise_{name}.csv", float_format="%.4g")
    (folder / "table.md").write_text(_markdown(table, distance, study, published, params), encoding="utf-8")
    _plot_ranked(table.dropna(subset=[distance]), distance, folder / "ranked.png")
    _plot_matrix(pairwise[distance], f"{distance} between the images of two variants", "{:.0f}", folder / "matrix.png")
    accuracies = scores.pivot_table(index="label", columns="variant", values="label_accuracy", sort=False)
    _plot_matrix(accuracies, "share of images whose class a probe tells", "{:.2f}", folder / "classes.png")


def _published_of_the_same_method(published: Mapping[str, Any], params: Params) -> dict[str, float]:
    """{variant: what was published for it}, less those that asked a vision language model where ours does not."""
    figures = {}
    for variant, value in published.get("to_reference", {}).items():
        captioners = (params.variants.get(variant) or {}).get("caption.by", params.caption.by)
        if variant not in published.get("by_vlm", ()) or "vlm" in captioners:
            figures[variant] = value
    return figures


def write_mosaics(
    test_items: Sequence[dict],
    variants: Mapping[str, Sequence[np.ndarray]],
    mosaics: Path,
    folder: Path,
    sizes: Sequence[int],
) -> None:
    """A grid of each variant's images in each size, all.jpg with a row an item, and in ``folder`` a part of that."""
    mosaics.mkdir(parents=True, exist_ok=True)
    order = _order_by_turns(test_items)
    for name, images in variants.items():
        for size in sizes:
            if size <= len(images):
                chosen = [images[index] for index in order[:size]]
                io.write_jpg(mosaics / f"{name}-{size}.jpg", grid(chosen, round(size**0.5)))
    columns: dict[str, Sequence[np.ndarray]] = {
        "sketch": [io.read_grey(Path(item["sketch"])) for item in test_items],
        "photo": [io.read(Path(item["photo"])) for item in test_items],
    }
    columns |= variants
    io.write_jpg(mosaics / "all.jpg", mosaic(columns))
    first_of_classes = sorted(order[: len({item.get("label") for item in test_items})])
    overview = {name: [images[index] for index in first_of_classes] for name, images in columns.items()}
    io.write_jpg(folder / "overview.jpg", mosaic(overview))


def _order_by_turns(test_items: Sequence[dict]) -> list[int]:
    """The indices of the items, one of each class in turn, so that the first few show many classes."""
    turns: dict[str, int] = {}
    order = []
    for index, item in enumerate(test_items):
        label = item.get("label", "")
        turns[label] = turns.get(label, -1) + 1
        order.append((turns[label], index))
    return [index for _, index in sorted(order)]


def _flat(figures: Mapping[str, Mapping[str, float]]) -> dict[str, float]:
    flat: dict[str, float] = {}
    for metric, parts in figures.items():
        flat |= {metric if part == "mean" else f"{metric}_{part}": value for part, value in parts.items()}
    return flat


def _markdown(
    table: pd.DataFrame, distance: str, study: Mapping[str, Any], published: Mapping[str, Any], params: Params
) -> str:
    """The table, nearest first, then what others published."""
    metrics = [
        str(name) for name in table if not str(name).endswith(("_low", "_high", "_se")) and table[name].notna().any()
    ]
    lines = [f"# {study['items']} {PLURAL[params.study.reference]}, drawn by every variant", ""]
    lines += ["| " + " | ".join(["variant", *metrics]) + " |", "|---" * (len(metrics) + 1) + "|"]
    for variant, row in table.iterrows():
        lines.append("| " + " | ".join([str(variant), *(_cell(row, metric) for metric in metrics)]) + " |")
    lines += [f"| {variant} | failed: {why} |" + " |" * (len(metrics) - 1) for variant, why in study["failed"].items()]
    lines += [
        "",
        f"Nearest first, by {distance} to the {PLURAL[params.study.reference]} of the items; in brackets the "
        f"{params.evaluate.level:.0%} interval, for kid by leaving out images.  *other references* are the "
        "training half of the reference.  `label_accuracy` is the share of images whose class is told by a linear "
        f"probe that was fitted on the training {PLURAL[params.study.reference]}; *reference* is what it scores on the "
        f"originals, and by chance it is right for {study['chance']:.3g}: where a variant draws another kind of image "
        "than the probe was fitted on, a figure near chance says nothing about what the images show.",
    ]
    if study["items"] < FID_MIN_IMAGES:
        lines += [
            "",
            f"Below {FID_MIN_IMAGES:,} images a Frechet distance is too large; compare it only within this table.",
        ]
    if published:
        lines += ["", f"`published_fid`: {published['source']}"]
        pairs = [f"{pair} {value:.2f}" for pair, value in published.get("pairwise", {}).items()]
        lines += ["", f"Between variants they published: {', '.join(pairs)}."] if pairs else []
    return "\n".join(lines) + "\n"


def _cell(row: pd.Series, metric: str) -> str:
    if pd.isna(row[metric]):
        return ""
    text = f"{row[metric]:.4g}"
    if pd.notna(row.get(f"{metric}_low")):
        text += f" ({row[f'{metric}_low']:.4g} to {row[f'{metric}_high']:.4g})"
    return text


def _plot_ranked(table: pd.DataFrame, distance: str, file: Path) -> None:
    figure, axis = pyplot().subplots(figsize=(7, 0.6 + 0.32 * len(table)), layout="constrained")
    heights, values = range(len(table))[::-1], table[distance]
    spread = [values - table[f"{distance}_low"], table[f"{distance}_high"] - values]
    colors = ["#b8b8b8" if " " in str(name) else "C0" for name in table.index]
    axis.barh(heights, values, xerr=spread, color=colors, capsize=3)
    axis.set(yticks=heights, yticklabels=table.index, xlabel=f"{distance} to the reference, smaller is nearer")
    save(figure, file)


def _plot_matrix(matrix: pd.DataFrame, title: str, wording: str, file: Path) -> None:
    """A heat map with its numbers."""
    height, width = matrix.shape
    figure, axis = pyplot().subplots(figsize=(2 + 0.55 * width, 1.6 + 0.38 * height), layout="constrained")
    axis.imshow(matrix, cmap="Blues", aspect="auto")
    middle = (np.nanmin(matrix) + np.nanmax(matrix)) / 2
    for y, x in np.ndindex(height, width):
        value = matrix.iat[y, x]
        axis.text(x, y, wording.format(value), ha="center", va="center", size=7, color="w" if value > middle else "k")
    axis.set(xticks=range(width), yticks=range(height), yticklabels=matrix.index)
    axis.set_xticklabels(matrix.columns, rotation=40, ha="right")
    axis.set_title(title, fontsize=10)
    save(figure, file)
