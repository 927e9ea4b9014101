"""One function over many records, on all cores or on a cluster, in order, with a progress bar."""

import os
import platform
import time
from collections.abc import Callable, Collection, Iterable, Iterator
from functools import partial
from itertools import islice
from typing import TypeVar

from tqdm import tqdm

from s2i.core.errors import UserError
from s2i.core.params import Workers

CHUNK = 1000  # items under way at a time
PATIENCE = 3  # seconds of computing, about what processes take to start
Item = TypeVar("Item")
_processes_run = False


def fan_out(function: Callable, items: Collection, description: str, workers: Workers, leave: bool = True) -> Iterator:
    """``function(item) for item in items``, in order, spread over ``workers.count`` processes by ``workers.engine``.

    Items are taken, and results given, a chunk at a time, so any number of them fits into memory.  What takes no
    longer than starting processes, as photos do that the cache knows, is done in this one.  On Ray, a running cluster
    is used where RAY_ADDRESS names one; every node must see this folder under the same path.
    """
    left = iter(items)
    with tqdm(desc=description, total=len(items), unit="photo", leave=leave) as bar:
        if workers.engine == "loky" and (workers.count == 1 or not _processes_run):
            for result in _here(function, left, float("inf") if workers.count == 1 else PATIENCE):
                yield result
                bar.update()
        for chunk in chunked(left, CHUNK):
            yield from _in_processes(function, chunk, workers.engine, min(workers.count, len(items)) or 1, bar)


def chunked(items: Iterable[Item], size: int) -> Iterator[list[Item]]:
    """The items in lists of ``size``, the last one shorter."""
    items = iter(items)
    while chunk := list(islice(items, size)):
        yield chunk


def _here(function: Callable, items: Iterator, seconds: float) -> Iterator:
    """The results of the first items, until they took longer; the slowest does not count, as it may load a network."""
    began = last = time.process_time()
    slowest = 0.0
    for item in items:
        yield function(item)
        now = time.process_time()
        slowest, last = max(slowest, now - last), now
        if now - began - slowest > seconds:
            return


def _in_processes(function: Callable, chunk: list, engine: str, workers: int, bar: tqdm) -> Iterator:
    from joblib import Parallel, delayed  # not for the few that are done here

    class Shown(Parallel):
        """joblib's loop with our bar; its own generator, which a bar could count, is not to be had on Ray."""

        def print_progress(self) -> None:
            """Called by joblib whenever a task is done."""
            bar.update(begun + self.n_completed_tasks - bar.n)

    global _processes_run
    _processes_run, begun, options = True, bar.n, {}
    if engine == "ray":
        _register_ray()
        options["ray_remote_args"] = {"num_cpus": 1}  # a worker holds a core, or all would stand on one node
        function = partial(_in_folder, function, os.getcwd())
    return iter(Shown(backend=engine, n_jobs=workers, **options)(delayed(function)(item) for item in chunk))


def _in_folder(function: Callable, folder: str, item):
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
    register_ray()
    if not ray.is_initialized():
        settings = {name: os.environ[name] for name in ("S2I_CACHE", "S2I_WEIGHTS") if name in os.environ}
        ray.init(log_to_driver=False, runtime_env={"env_vars": settings})


def is_main_process() -> bool:
    """Whether this is the process that writes files: the only one, or the first that accelerate launch started."""
    return int(os.environ.get("RANK", 0)) == 0
