"""What the training gained: the fine-tuned model less the better of the untouched ones, metric by metric."""

from collections.abc import Mapping

import pandas as pd

from s2i.evaluation import summary
from s2i.metrics.kernel_distance import KernelDistance, difference_interval
from s2i.metrics.registry import improvement

BASELINES = ("base", "base_edges")  # the untouched net on the sketch as it is, and on its Canny edges
Differences = dict[str, dict[str, float]]


def gains(
    tables: Mapping[str, pd.DataFrame], kernels: Mapping[str, Mapping[str, KernelDistance]], level: float
) -> dict[str, Differences | dict[str, Differences]]:
    """{"gain": {metric: {"mean", "low", "high"}}, "gain_over": {baseline: the same}}.

    "gain" is over the better baseline of each metric, so it is the smaller of the two.
    tables, kernels: by set, the scores of its images and its kernel distances to the photos.
    """
    over = {
        name: summary.differences(tables["finetuned"], tables[name], level)
        | {
            metric: difference_interval(kernel, kernels[name][metric], level)
            for metric, kernel in kernels["finetuned"].items()
            if metric in kernels[name]
        }
        for name in BASELINES
        if name in tables
    }
    metrics = dict.fromkeys(metric for differences in over.values() for metric in differences)
    gain = {}
    for metric in metrics:
        candidates = [differences[metric] for differences in over.values() if metric in differences]
        gain[metric] = min(candidates, key=lambda difference: improvement(metric) * difference["mean"])
    return {"gain": gain, "gain_over": over}
