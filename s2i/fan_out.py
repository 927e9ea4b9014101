"""One function over many records, on all cores or on a cluster, in order, with a progress bar."""

from collections.abc import Callable, Sequence

from joblib import Parallel, delayed, parallel_config
from tqdm import tqdm

from s2i.errors import UserError
from s2i.params import Work


def fan_out(function: Callable, items: Sequence, description: str, work: Work) -> list:
    """``[function(item) for item in items]``, spread over ``work.workers`` processes by ``work.engine``.

    On Ray, a running cluster is used where RAY_ADDRESS names one; files must lie where every node sees them.
    """
    options = {}
    if work.engine == "ray":
        _register_ray()
        options["ray_remote_args"] = {"num_cpus": 1}  # a worker holds a core, or all would stand on one node
    with (
        parallel_config(backend=work.engine, n_jobs=min(work.workers, len(items)) or 1, **options),
        tqdm(desc=description, total=len(items), unit="photo") as bar,
    ):
        return _Shown(bar)(delayed(function)(item) for item in items)


class _Shown(Parallel):
    """joblib's loop with our bar; its own generator, which a bar could count, is not to be had on Ray."""

    def __init__(self, bar: tqdm):
        super().__init__()
        self.bar = bar

    def print_progress(self) -> None:
        """Called by joblib whenever a task is done."""
        self.bar.update(self.n_completed_tasks - self.bar.n)


def _register_ray() -> None:
    try:
        import ray
        from ray.util.joblib import register_ray
    except ImportError:
        raise UserError("work.engine is ray, but ray is not installed: pip install 's2i[ray]'.") from None
    register_ray()
    if not ray.is_initialized():
        ray.init(log_to_driver=False)
