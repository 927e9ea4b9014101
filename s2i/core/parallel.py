"""One function over many records, on all cores or on a cluster, in order, with a progress bar."""

import os
import time
from collections.abc import Callable, Collection, Iterable, Iterator
from itertools import islice
from typing import TypeVar

from tqdm import tqdm

from s2i.core.params import Workers

CHUNK = 1000  # items under way at a time
PATIENCE = 3  # seconds of computing, about what processes take to start
Item = TypeVar("Item")
Result = TypeVar("Result")
_processes_run = False  # loky's, once started, wait for what comes next


def fan_out(
    function: Callable[[Item], Result],
    items: Collection[Item],
    description: str,
    workers: Workers,
    leave: bool = True,
) -> Iterator[Result]:
    """``function(item) for item in items``, in order, in ``workers.count`` processes that ``workers.engine`` starts.

    Items are taken, and results given, a chunk at a time, so any number of them fits into memory.  What takes no
    longer than starting processes, such as photos that are in the cache, is computed in this process.  On Ray, a
    running cluster is used where RAY_ADDRESS names one; every node must see this folder under the same path.

    description: of the progress bar.  leave: whether the bar stays when all is done.
    """
    global _processes_run
    remaining = iter(items)
    with tqdm(desc=description, total=len(items), unit="photo", leave=leave) as bar:
        if workers.engine == "loky" and (workers.count == 1 or not _processes_run):
            for result in _here(function, remaining, float("inf") if workers.count == 1 else PATIENCE):
                yield result
                bar.update()
        for chunk in chunked(remaining, CHUNK):
            from s2i.core import processes  # with joblib, which is not for the few that are computed here

            _processes_run = True
            yield from processes.compute(function, chunk, workers.engine, min(workers.count, len(items)) or 1, bar)


def chunked(items: Iterable[Item], size: int) -> Iterator[list[Item]]:
    """The items in lists of ``size``, the last one shorter."""
    items = iter(items)
    while chunk := list(islice(items, size)):
        yield chunk


def _here(function: Callable[[Item], Result], items: Iterator[Item], seconds: float) -> Iterator[Result]:
    """The results of the first items, computed in this process until that has taken so many seconds.

    The slowest item does not count, as it may load a network.
    """
    start = last = time.process_time()
    slowest = 0.0
    for item in items:
        yield function(item)
        now = time.process_time()
        slowest, last = max(slowest, now - last), now
        if now - start - slowest > seconds:
            return


def is_main_process() -> bool:
    """Whether this is the process that writes files: the only one, or the first that accelerate launch started."""
    return int(os.environ.get("RANK", 0)) == 0
