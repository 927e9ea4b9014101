"""What a model that learned several subjects in turn still knows of each."""

import numpy as np
import pandas as pd

from s2i.imaging import plots


def plot_forgetting(table: pd.DataFrame) -> np.ndarray:
    """How similar each subject is drawn after each was learned, as RGB.

    table: columns after, subject, metric, mean, low, high.
    """
    order = list(dict.fromkeys(table["after"]))
    figure, axis = plots.pyplot().subplots(figsize=(1.5 + 1.3 * len(order), 3.2), layout="constrained")
    for subject, rows in table.groupby("subject", sort=False):
        spread = [rows["mean"] - rows["low"], rows["high"] - rows["mean"]]
        positions = [order.index(after) for after in rows["after"]]
        axis.errorbar(positions, rows["mean"], spread, marker="o", capsize=4, label=subject)
    axis.set(xticks=range(len(order)), xticklabels=order, xlabel="after learning", ylabel=table["metric"].iloc[0])
    axis.legend(frameon=False)
    return plots.image(figure)
