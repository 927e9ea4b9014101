"""What every stage has in common: arguments, parameters, an output that is whole or not there, clear errors."""

import argparse
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Generic, Literal

from s2i.core import interruption, params_file, run_card, shards
from s2i.core.errors import Stopped, UserError, explained
from s2i.core.files import whole_file, write_json
from s2i.core.messages import program
from s2i.core.output_folders import alone, whole_folder
from s2i.core.parallel import is_main_process
from s2i.core.params import Params
from s2i.core.params_file import Tree
from s2i.core.records import Record, Records
from s2i.core.records import write as write_records

FAILED = "failed.txt"  # in the output of a stage that may fail: why it did


@dataclass(frozen=True)
class Stage(Generic[Tree]):
    """What a stage works with while it runs."""

    params: Tree
    inputs: dict[str, Path]
    outputs: dict[str, Path]  # where to write now
    target: Path  # where the last output will stand
    metrics: Path | None

    @property
    def output(self) -> Path:
        """The last output: where to write it now."""
        return list(self.outputs.values())[-1]

    def records(self, name: str) -> Records:
        """The records of an input folder."""
        return Records(self.inputs[name])

    def write(self, records: Iterable[Record]) -> None:
        """Write records into the last output; where their files are very many, pack these into tar shards."""
        write_records(records, self.output, self.target)
        shards.pack(self.output, self.target)

    def score(self, figures: dict[str, Any]) -> None:
        """Write the metrics file; of several processes (accelerate launch) only the first one writes it."""
        assert self.metrics, "only a stage that runs with metrics=True has a metrics file"
        if is_main_process():
            write_json(self.metrics, figures)


@contextmanager
def run(
    inputs: Sequence[str],
    outputs: Sequence[str],
    metrics: bool = False,
    last: Literal["folder", "file", "in place"] = "folder",
    params: str = "params.yaml",
    tree: type[Tree] = Params,  # type: ignore[assignment]  # the default of the type variable, which mypy overlooks
) -> Iterator[Stage[Tree]]:
    """Run the block as a stage: ``python stages/NAME.py INPUT... OUTPUT... [METRICS]``, a path for each name.

    inputs: names of the folders or files that the stage reads.
    outputs: names of what it writes.  The last one replaces the old one when the block ends well, and metrics/run.json
        tells how long that took; those before it are written in place, such as the log of a training.
    metrics: whether a metrics file follows, for `Stage.score`.
    last: what the last output is: a folder, a single file, or a folder that is written in place as well, by a stage
        that goes on from what stands there.
    params, tree: the parameter file unless ``--params FILE`` says otherwise, and the pydantic model that it is checked
        against and that `Stage.params` is.  For a pipeline with parameters of its own:
        ``stage.run(..., params="pipelines/base/params.yaml", tree=BaseParams)``.

    ``--variant NAME`` takes the parameters of a study's variant.  With ``--may-fail`` a UserError does not end the
    program but stands in failed.txt of the last output, and in those of the stages that read it and may fail too.
    Else a UserError ends the program with its sentence.  Of several processes (accelerate launch) the first one's last
    output counts.
    """
    if interruption.is_script():
        interruption.exit_on_signal()
    arguments = _arguments(inputs, outputs, metrics, params)
    sources = {name: arguments[name] for name in inputs}
    targets = {name: arguments[name] for name in outputs}
    *_, target = targets.values()
    with _sentences(target, may_fail=arguments["--may-fail"]) as failed:
        if arguments["--may-fail"]:
            for reason in [source / FAILED for source in sources.values() if (source / FAILED).exists()]:
                raise UserError(reason.read_text(encoding="utf-8"))
        loaded = params_file.load(arguments["--params"], tree, arguments["--variant"])
        with ExitStack() as stack:
            if not is_main_process():
                target = Path(stack.enter_context(TemporaryDirectory())) / target.name
            else:
                stack.enter_context(run_card.timed())
            draft = stack.enter_context(_opened(target, last))
            yield Stage(loaded, sources, targets | {outputs[-1]: draft}, target, arguments.get("metrics"))
    if failed:
        with _sentences(target), whole_folder(target) as folder:
            (folder / FAILED).write_text(failed[0], encoding="utf-8")
        for name in outputs[:-1]:
            targets[name].mkdir(parents=True, exist_ok=True)
        sys.exit(0)


@contextmanager
def _sentences(target: Path, may_fail: bool = False) -> Iterator[list[str]]:
    """End the program with a sentence where the block raises what the user can mend; `interruption` has the rest.

    may_fail: print the sentence and put it into the list instead, unless the work was asked to stop.
    """
    failed: list[str] = []
    try:
        yield failed
    except Stopped as stopped:
        print(f"{program()}: {stopped}", file=sys.stderr)
        sys.exit(stopped.status)
    except Exception as error:
        sentence = str(error) if isinstance(error, UserError) else explained(error, target)
        if sentence is None:
            raise
        if not may_fail or not isinstance(error, UserError):
            sys.exit(f"{program()}: {sentence}")
        print(f"{program()}: {sentence}", file=sys.stderr)
        failed.append(sentence)


def _arguments(inputs: Sequence[str], outputs: Sequence[str], metrics: bool, params: str) -> dict[str, Any]:
    """The paths by their names and the options by theirs, which begin with "--"."""
    doc = sys.modules["__main__"].__doc__
    parser = argparse.ArgumentParser(description=doc, epilog="`dvc repro` gives the paths that stand in dvc.yaml.")
    for name in (*inputs, *outputs, *(["metrics"] if metrics else [])):
        parser.add_argument(name, type=Path)
    parser.add_argument("--params", dest="--params", type=Path, metavar="FILE", default=Path(params))
    parser.add_argument("--variant", dest="--variant", metavar="NAME")
    parser.add_argument("--may-fail", dest="--may-fail", action="store_true")
    return vars(parser.parse_args())


def _opened(target: Path, kind: Literal["folder", "file", "in place"]) -> AbstractContextManager[Path]:
    """A context whose value is where to write now what will stand at ``target``."""
    if kind == "in place":
        return _in_place(target)
    return whole_file(target) if kind == "file" else whole_folder(target)


@contextmanager
def _in_place(target: Path) -> Iterator[Path]:
    target.mkdir(parents=True, exist_ok=True)
    with alone(target):
        yield target
