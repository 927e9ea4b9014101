"""Scores of single images as figures: means with intervals, differences, gaps, and why a metric is not there."""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from s2i.core.parameters.fields import HELD_OUT_STYLES
from s2i.metrics import perceptual
from s2i.metrics.intervals import mean_interval
from s2i.metrics.kernel_distance import KernelDistance
from s2i.metrics.registry import HEADLINES, IMAGE_METRICS, METRICS, SET_METRICS, compared
from s2i.networks import clip, lpips, weights

BY_HAND = "given"  # how the styles of sketches begin that came with the photos, by hand or standing in for it
DIGITS = 4
BY_STYLE = (*HEADLINES, "st_lpips")  # of which styles of sketches, and gaps, have figures
LPIPS_OF_METRIC = {f"{name}{part}": net for name, net in perceptual.LPIPS_VARIANTS.items() for part in ("", "_matte")}
REASONS = {  # of metrics that need more of the records than an image and its photo
    "resketch_f1": "no sketch is in a style that an image can be sketched in again",
    "resketch_ssim": "no sketch is in a style that an image can be sketched in again",
    "window_count_error": "no record has the true number of `windows`",
    "color_match": "no record is described with a colour that s2i.imaging.wall_colors knows",
    "material_match": "no record is described with a material that the probes know",
    "nearer_to_training": "no training photos were given to compare with, or these are the photos themselves",
}


def means(table: pd.DataFrame, level: float) -> dict[str, dict[str, float]]:
    """{metric: {"mean", "low", "high"}} over the images that have it, with intervals over photos.

    table: a row an image with its photo's `id`, maybe the `group` that the photo belongs to, and the metrics.  A metric
    with infinite values has no mean.
    """
    figures = {}
    for name in IMAGE_METRICS:
        if name in table and not np.isinf(table[name]).any() and table[name].notna().any():
            known = table[table[name].notna()]
            figures[name] = mean_interval(known[name], list(group_of(known)), level=level)
    return figures


def group_of(table: pd.DataFrame) -> pd.Series:
    """What each row is drawn with: the group of its photo where the table has groups, else its photo."""
    return table["group"].fillna(table["id"]) if "group" in table else table["id"]


def paired(table: pd.DataFrame, other: pd.DataFrame) -> pd.DataFrame:
    """Rows that belong together, those of one photo `id` and `sketch_style`; columns of other end in "_other"."""
    return table.merge(other, on=["id", "sketch_style"], suffixes=("", "_other"))


def differences(
    table: pd.DataFrame, other: pd.DataFrame, level: float, names: Iterable[str] = tuple(IMAGE_METRICS)
) -> dict[str, dict[str, float]]:
    """{metric: {"mean", "low", "high"}} of table less other, image by image, with intervals over photos.

    What only one of them has does not count.  Of a ratio that is best at 1 it is the difference of `compared`.
    """
    pairs = paired(table, other)
    common = [name for name in names if name in table and name in other]
    columns = {name: compared(name, pairs[name]) - compared(name, pairs[f"{name}_other"]) for name in common}
    return means(pd.DataFrame({"id": group_of(pairs)} | columns), level)


def style_gap(table: pd.DataFrame, level: float) -> dict[str, dict[str, float]]:
    """{headline: ...} of drawings that came with the photos less sketches that were made of them, photo by photo."""
    is_by_hand = table["sketch_style"].str.startswith(BY_HAND)
    return _gap(table[is_by_hand], table[~is_by_hand & ~_is_held_out(table)], level)


def new_style_gap(table: pd.DataFrame, level: float) -> dict[str, dict[str, float]]:
    """{headline: ...} of sketches in styles that are never trained on less other made sketches, photo by photo."""
    is_by_hand = table["sketch_style"].str.startswith(BY_HAND)
    return _gap(table[_is_held_out(table)], table[~is_by_hand & ~_is_held_out(table)], level)


def _is_held_out(table: pd.DataFrame) -> pd.Series:
    return table["sketch_style"].isin(HELD_OUT_STYLES)


def _gap(rows: pd.DataFrame, others: pd.DataFrame, level: float) -> dict[str, dict[str, float]]:
    """Means of the headlines of rows less those of others, photo by photo."""
    names = [name for name in BY_STYLE if name in rows]
    mean, other = (table.groupby([group_of(table).rename("id")])[names].mean() for table in (rows, others))
    return means((mean - other).reset_index(), level)


def of_styles(table: pd.DataFrame, level: float) -> dict[str, dict[str, dict[str, float]]]:
    """{style: {headline: ...}}."""
    columns = [name for name in ("id", "group", *BY_STYLE) if name in table]
    return {str(style): means(rows[columns], level) for style, rows in table.groupby("sketch_style")}


def numbers(figures: Mapping[str, Any]) -> dict[str, Any]:
    """Figures as DVC shows them best: one number a name, to four digits; {"mean", "low", ...} becomes its mean.

    The standard error of a metric stands beside it as NAME_se.
    """
    values: dict[str, Any] = {}
    for name, value in figures.items():
        if not isinstance(value, Mapping):
            values[name] = rounded(value)
        elif "mean" in value:
            values[name] = rounded(value["mean"])
            if "se" in value:
                values[f"{name}_se"] = rounded(value["se"])
        elif value:
            values[name] = numbers(value)
    return values


def intervals(figures: Mapping[str, Any], of: str = "") -> pd.DataFrame:
    """A row for each figure that has an interval: set (such as finetuned or styles.pencil), metric, mean, low, high."""
    rows = []
    for name, value in figures.items():
        if isinstance(value, Mapping) and "low" in value:
            parts = {part: rounded(value[part]) for part in ("mean", "low", "high")}
            rows.append(pd.DataFrame([{"set": of, "metric": name} | parts]))
        elif isinstance(value, Mapping) and "mean" not in value:
            rows.append(intervals(value, f"{of}.{name}" if of else name))
    return pd.concat(rows, ignore_index=True) if rows else pd.DataFrame()


def leave_one_out(kernels: Mapping[str, Mapping[str, KernelDistance]]) -> pd.DataFrame:
    """A row for each kernel distance: model, metric, without (a photo or group, empty for none), distance."""
    rows = []
    for model, of_model in kernels.items():
        for metric, kernel in of_model.items():
            for without, value in {"": kernel.value, **kernel.leave_one_out}.items():
                rows.append({"model": model, "metric": metric, "without": without, "distance": value})
    return pd.DataFrame(rows, columns=["model", "metric", "without", "distance"])


def rounded(value: float) -> float:
    """A number to four significant digits; whole numbers as they are."""
    return value if isinstance(value, int) else float(f"{value:.{DIGITS}g}")


def left_out(
    figures: Mapping[str, Mapping], tables: Mapping[str, pd.DataFrame], reasons: Mapping[str, str]
) -> list[dict[str, str]]:
    """[{"metric", "reason"}] of every metric that the first set has no figure of; for the others, with "of", the rest.

    figures, tables: by set.  reasons: what is known already, by metric.
    """
    first, *others = figures
    absent = [name for name in METRICS if name not in figures[first]]
    entries = [{"metric": name, "reason": reasons.get(name) or why(name, tables[first])} for name in absent]
    for other in others:
        absent = [name for name in figures[first] if name not in figures[other]]
        entries += [{"metric": name, "of": other, "reason": why(name, tables[other])} for name in absent]
    return entries


def why(name: str, table: pd.DataFrame) -> str:
    """Why there is no figure of a metric."""
    if name in LPIPS_OF_METRIC and (absence := lpips.absence(LPIPS_OF_METRIC[name])):
        return absence
    if name in ("fid", "kid_inception") and not weights.hub_path(weights.FID_INCEPTION):
        return f"{weights.FID_INCEPTION} is not on this machine; put it into the folder that S2I_WEIGHTS names"
    if name in ("clip_score", "cmmd") and not clip.folder():
        return "CLIP is not on this machine; see s2i/networks/clip.py"
    if name in SET_METRICS:
        return "it compares many images with the photos, and these are the photos"
    if name in table and (equal := int(np.isinf(table[name]).sum())):
        return f"{equal} of {len(table)} images equal their photos, whose {name} is infinite"
    if name.endswith("_recall"):
        return f"no record has a label map with a {name.removesuffix('_recall')} in it"
    if name.endswith("_matte"):
        return "no record has a matte that shows a building"
    return REASONS.get(name, "it could not be computed")
