"""One function over many records, on all cores or on a cluster, in order, with a progress bar."""

from collections.abc import Callable, Iterable, Sequence

from joblib import Parallel, delayed, parallel_config
from tqdm import tqdm

from s2i.errors import UserError
from s2i.params import Work


def fan_out(function: Callable, items: Sequence, description: str, work: Work) -> Iterable:
    """``[function(item) for item in items]``, spread over ``work.workers`` processes by ``work.engine``."""
    if work.engine == "ray":
        _register_ray()
    with parallel_config(backend=work.engine, n_jobs=min(work.workers, len(items)) or 1):
        results = Parallel(return_as="generator")(delayed(function)(item) for item in items)
        return list(tqdm(results, desc=description, total=len(items), unit="photo"))


def _register_ray() -> None:
    try:
        from ray.util.joblib import register_ray
    except ImportError:
        raise UserError("work.engine is ray, but ray is not installed: pip install 's2i[ray]'.") from None
    register_ray()
