"""A function over a list of items in the processes of joblib, on this machine or on a Ray cluster."""

import os
import platform
from collections.abc import Callable, Iterator
from concurrent.futures import BrokenExecutor
from functools import partial
from typing import Any, Literal, TypeVar

from joblib import Parallel, delayed
from tqdm import tqdm

from s2i.core.errors import UserError

DIED = ("WorkerCrashedError", "NodeDiedError", "ActorDiedError", "OutOfMemoryError")  # as Ray calls it
Item = TypeVar("Item")
Result = TypeVar("Result")


class ParallelWithBar(Parallel):  # type: ignore[misc]  # joblib has no types
    """joblib's loop, which moves a progress bar whenever a task is done; Ray has no ``return_as="generator"``."""

    def __init__(self, bar: "tqdm[Any]", **options: Any) -> None:
        super().__init__(**options)
        self.bar, self.start = bar, bar.n

    def print_progress(self) -> None:
        """Called by joblib whenever a task is done."""
        self.bar.update(self.start + self.n_completed_tasks - self.bar.n)


def compute(
    function: Callable[[Item], Result],
    items: list[Item],
    engine: Literal["loky", "ray"],
    count: int,
    bar: "tqdm[Any]",
) -> Iterator[Result]:
    """The results in order, computed in ``count`` processes; -1 is one for each core.

    Raises UserError when Ray is to be used and not installed, when a node of its cluster does not see this folder, or
    when a process dies.
    """
    options = {}
    if engine == "ray":
        _register_ray()
        options["ray_remote_args"] = {"num_cpus": 1}  # a worker holds a core, or all would stand on one node
        function = partial(_in_folder, function, os.getcwd())
    parallel = ParallelWithBar(bar, backend=engine, n_jobs=count, **options)
    try:
        return iter(parallel(delayed(function)(item) for item in items))
    except Exception as error:
        if not (isinstance(error, BrokenExecutor) or type(error).__name__ in DIED):
            raise
        raise UserError(
            f"a process that was {bar.desc.rstrip(': ')} died, most likely for want of memory: lower workers.count in "
            "params.yaml and run again; what was done is kept."
        ) from None


def _in_folder(function: Callable[[Item], Result], folder: str, item: Item) -> Result:
    """``function(item)`` in a process that may stand in another folder, as those of a running cluster do."""
    try:
        os.chdir(folder)
    except FileNotFoundError:
        raise UserError(
            f"the node {platform.node()} of the Ray cluster does not see {folder}: run s2i in a folder that all share."
        ) from None
    return function(item)


def _register_ray() -> None:
    try:
        import ray
        from ray.util.joblib import register_ray
    except ImportError:
        raise UserError("workers.engine is ray, but ray is not installed: pip install -e '.[ray]'.") from None
    register_ray()  # type: ignore[no-untyped-call]  # ray has no types here
    if not ray.is_initialized():
        settings = {name: os.environ[name] for name in ("S2I_CACHE", "S2I_WEIGHTS") if name in os.environ}
        ray.init(log_to_driver=False, runtime_env={"env_vars": settings})
