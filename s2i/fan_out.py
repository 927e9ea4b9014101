"""One function over many records, on all cores or on a cluster, in order, with a progress bar."""

from collections.abc import Callable, Collection, Iterable, Iterator
from itertools import islice
from typing import TypeVar

from joblib import Parallel, delayed
from tqdm import tqdm

from s2i.errors import UserError
from s2i.params import Work

CHUNK = 1000  # items under way at a time
Item = TypeVar("Item")


def fan_out(function: Callable, items: Collection, description: str, work: Work, leave: bool = True) -> Iterator:
    """``function(item) for item in items``, in order, spread over ``work.workers`` processes by ``work.engine``.

    Items are taken, and results given, a chunk at a time, so any number of them fits into memory.  On Ray, a running
    cluster is used where RAY_ADDRESS names one; files must lie where every node sees them.
    """
    options = {"backend": work.engine, "n_jobs": min(work.workers, len(items)) or 1}
    if work.engine == "ray":
        _register_ray()
        options["ray_remote_args"] = {"num_cpus": 1}  # a worker holds a core, or all would stand on one node
    with tqdm(desc=description, total=len(items), unit="photo", leave=leave) as bar:
        for chunk in chunked(items, CHUNK):
            yield from _Shown(bar, **options)(delayed(function)(item) for item in chunk)


def chunked(items: Iterable[Item], size: int) -> Iterator[list[Item]]:
    """The items in lists of ``size``, the last one shorter."""
    items = iter(items)
    while chunk := list(islice(items, size)):
        yield chunk


class _Shown(Parallel):
    """joblib's loop with our bar; its own generator, which a bar could count, is not to be had on Ray."""

    def __init__(self, bar: tqdm, **options):
        super().__init__(**options)
        self.bar, self.begun = bar, bar.n

    def print_progress(self) -> None:
        """Called by joblib whenever a task is done."""
        self.bar.update(self.begun + self.n_completed_tasks - self.bar.n)


def _register_ray() -> None:
    try:
        import ray
        from ray.util.joblib import register_ray
    except ImportError:
        raise UserError("work.engine is ray, but ray is not installed: pip install 's2i[ray]'.") from None
    register_ray()
    if not ray.is_initialized():
        ray.init(log_to_driver=False)
