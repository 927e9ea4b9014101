"""Where a training's figures and images go while it runs: DVCLive, and W&B beside it when asked for."""

import json
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from dvclive import Live
from PIL import Image

from s2i.core.errors import UserError, first_line
from s2i.core.parallel import is_main_process


class Tracker:
    """Figures and images by step, on DVCLive and, with a ``run``, on W&B; without ``live`` nowhere."""

    def __init__(self, live: Live | None, run: Any = None):
        self.live, self.run = live, run

    def figures(self, step: int, values: dict[str, float]) -> None:
        """Log scalars of a step."""
        if not self.live:
            return
        with _explain_full_disk(self.live.dir):
            self.live.step = step
            for name, value in values.items():
                self.live.log_metric(name, value)
            self.live.make_summary()
        self._send(step, values)

    def image(self, step: int, name: str, image: np.ndarray) -> None:
        """Log an image (H, W, 3) uint8; the newest of a name is kept."""
        if not self.live:
            return
        with _explain_full_disk(self.live.dir):
            self.live.log_image(f"{name}.png", Image.fromarray(image))
        if self.run:
            import wandb

            self._send(step, {name: wandb.Image(image)})

    def _send(self, step: int, values: dict[str, Any]) -> None:
        """To W&B, whose steps only go up: what a killed run sent after its last checkpoint is there already."""
        if self.run and step >= self.run.step:
            self.run.log(values, step=step)


@contextmanager
def open_tracker(kind: str, folder: Path, config: dict[str, Any]) -> Iterator[Tracker]:
    """A tracker that writes into ``folder`` and goes on with what an interrupted run left there.

    Of several processes the first one tracks.
    kind: ``dvclive``, or ``wandb`` for both.  Raises UserError when W&B is asked for and not installed.
    """
    if not is_main_process():
        yield Tracker(None)
        return
    folder.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        run = stack.enter_context(_wandb_run(folder.parent, config)) if kind == "wandb" else None
        _drop_torn(folder / "metrics.json")
        live = Live(str(folder), resume=True, save_dvc_exp=False, dvcyaml=None, monitor_system=False)
        yield Tracker(stack.enter_context(live), run)
    for table in folder.rglob("*.tsv"):  # steps since the last checkpoint were logged by the killed run too
        pd.read_csv(table, sep="\t").drop_duplicates("step", keep="last").to_csv(table, sep="\t", index=False)


def _drop_torn(summary: Path) -> None:
    """Remove the newest figures where a killed run left half of them; the tables have them too."""
    try:
        json.loads(summary.read_text(encoding="utf-8"))
    except FileNotFoundError:
        pass
    except ValueError:
        summary.unlink()


@contextmanager
def _explain_full_disk(folder: str) -> Iterator[None]:
    """Raise UserError where a file below ``folder`` cannot be written."""
    try:
        yield
    except OSError as error:
        raise UserError(
            f"the figures of the training could not be written to {folder} ({first_line(error)}): free some space and "
            "run again, it goes on from the last checkpoint."
        ) from None


def _wandb_run(folder: Path, config: dict[str, Any]) -> Any:
    """The W&B run of a training, anew or gone on with; its own files go beside the checkpoints in ``folder``."""
    try:
        import wandb
    except ImportError:
        raise UserError("train.tracker is wandb, but wandb is not installed: pip install -e '.[wandb]'.") from None
    try:
        return wandb.init(project="s2i", config=config, dir=folder, id=folder.name[:32], resume="allow")
    except wandb.Error as error:
        raise UserError(
            f"train.tracker is wandb, but W&B gives no run ({first_line(error)}): run `wandb login`, or set "
            "WANDB_MODE=offline and `wandb sync` later."
        ) from None
