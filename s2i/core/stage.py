"""What every stage has in common: arguments, parameters, one output that is whole or not there, clear errors."""

import argparse
import sys
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from s2i.core import params as parameters
from s2i.core import params_file, records, run_card, shards
from s2i.core.errors import Stopped, UserError
from s2i.core.files import whole_folder, write_json
from s2i.core.parallel import is_main_process

FAILED = "failed.txt"  # in the output of a stage that may fail: why it did


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

    ``--params FILE`` reads other parameters than params.yaml, and ``--variant NAME`` those of a study's variant.
    With ``--may-fail`` a UserError does not end the program but stands in TARGET/failed.txt, and in those of the stages
    that need TARGET and may fail too.
    TARGET replaces the old one when the block ends well, and metrics/run.json tells how long it took.
    A UserError ends the program with its sentence.  Of several processes (accelerate launch) the first one's output
    counts.
    """
    parser = argparse.ArgumentParser(description="The folders are those of dvc.yaml: `dvc repro` gives them.")
    parser.add_argument("paths", nargs="+", type=Path, metavar="FOLDER")
    parser.add_argument("--params", type=Path, default=Path("params.yaml"))
    parser.add_argument("--variant")
    parser.add_argument("--may-fail", action="store_true")
    given = parser.parse_args()
    paths = given.paths
    metrics = paths.pop() if paths[-1].suffix == ".json" else None
    *sources, target = paths
    try:
        for reason in [source / FAILED for source in sources if given.may_fail and (source / FAILED).exists()]:
            raise UserError(reason.read_text(encoding="utf-8"))
        params = params_file.load(given.params, variant=given.variant)
        with ExitStack() as stack:
            if not is_main_process():
                target = Path(stack.enter_context(TemporaryDirectory())) / target.name
            else:
                stack.enter_context(run_card.timed())
            folder = stack.enter_context(whole_folder(target))
            yield params, sources, Output(folder, target, metrics)
    except UserError as error:
        if not given.may_fail or isinstance(error, Stopped):
            sys.exit(f"{Path(sys.argv[0]).stem}: {error}")
        print(f"{Path(sys.argv[0]).stem}: {error}", file=sys.stderr)
        with whole_folder(target) as folder:
            (folder / FAILED).write_text(str(error), encoding="utf-8")
        for folder in sources:  # what it was to write beside its target
            folder.mkdir(parents=True, exist_ok=True)
        sys.exit(0)
