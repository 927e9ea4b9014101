"""Where a training's figures and pictures go while it runs: DVCLive, and W&B beside it when asked for."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pandas as pd
from dvclive import Live
from PIL import Image

from s2i.errors import UserError
from s2i.processes import is_main_process


class Tracker:
    """Figures and pictures by step."""

    def __init__(self, live: Live | None, run=None):
        self.live, self.run = live, run

    def figures(self, step: int, values: dict[str, float]) -> None:
        """Log scalars of a step."""
        if not self.live:
            return
        self.live.step = step
        for name, value in values.items():
            self.live.log_metric(name, value)
        self.live.make_summary()
        if self.run:
            self.run.log(values, step=step)

    def picture(self, step: int, name: str, picture: np.ndarray) -> None:
        """Log a picture (H, W, 3) uint8; the newest of a name is kept."""
        if not self.live:
            return
        self.live.log_image(f"{name}.png", Image.fromarray(picture))
        if self.run:
            import wandb

            self.run.log({name: wandb.Image(picture)}, step=step)


@contextmanager
def open_tracker(kind: str, folder: Path, config: dict) -> Iterator[Tracker]:
    """A tracker that writes into ``folder`` and goes on with what an interrupted run left there.

    Of several processes the first one tracks.
    kind: ``dvclive``, or ``wandb`` for both.  Raises UserError when W&B is asked for and not installed.
    """
    if not is_main_process():
        yield Tracker(None)
        return
    run = None
    if kind == "wandb":
        try:
            import wandb
        except ImportError:
            raise UserError("train.tracker is wandb, but wandb is not installed: pip install 's2i[wandb]'.") from None
        folder.mkdir(parents=True, exist_ok=True)
        run = wandb.init(project="s2i", config=config, dir=folder, id=folder.parent.name[:32], resume="allow")
    live = Live(str(folder), resume=True, save_dvc_exp=False, dvcyaml=None, monitor_system=False)
    with live:
        yield Tracker(live, run)
    for table in folder.rglob("*.tsv"):  # steps since the last checkpoint were logged by the killed run too
        pd.read_csv(table, sep="\t").drop_duplicates("step", keep="last").to_csv(table, sep="\t", index=False)
    if run:
        run.finish()
