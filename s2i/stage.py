"""What every stage has in common: arguments, parameters, one output that is whole or not there, clear errors."""

import sys
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from s2i import params as parameters
from s2i import records, run_card, shards
from s2i.errors import UserError
from s2i.files import whole_folder, write_json
from s2i.processes import is_main_process


@dataclass(frozen=True)
class Output:
    """The stage's output folder: ``folder`` is where to write now, ``place`` where it will stand."""

    folder: Path
    place: Path
    metrics: Path | None

    def write(self, rows: Iterable[dict]) -> None:
        """Write the stage's records, and where their files are very many, these as tar shards."""
        records.write(rows, self.folder, self.place)
        shards.pack(self.folder, self.place)

    def score(self, figures: dict) -> None:
        """Write the stage's metrics file, the last argument of a stage that has one."""
        write_json(self.metrics, figures)


@contextmanager
def run() -> Iterator[tuple[parameters.Params, list[Path], Output]]:
    """Yield the parameters, the input folders and the output of ``python stages/NAME.py SOURCE... TARGET [METRICS]``.

    TARGET replaces the old one when the block ends well, and metrics/run.json tells how long it took.
    A UserError ends the program with its sentence.  Of several processes (accelerate launch) the first one's output
    counts.
    """
    paths = [Path(argument) for argument in sys.argv[1:]]
    if not paths:
        sys.exit(f"usage: python {sys.argv[0]} SOURCE... TARGET [METRICS.json]; `dvc repro` knows the folders.")
    metrics = paths.pop() if paths[-1].suffix == ".json" else None
    *sources, target = paths
    try:
        params = parameters.load()
        with ExitStack() as stack:
            if not is_main_process():
                target = Path(stack.enter_context(TemporaryDirectory())) / target.name
            else:
                stack.enter_context(run_card.timed())
            folder = stack.enter_context(whole_folder(target))
            yield params, sources, Output(folder, target, metrics)
    except UserError as error:
        sys.exit(f"{Path(sys.argv[0]).stem}: {error}")
