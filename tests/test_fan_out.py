import os
import time

import pytest

from s2i.augmenting import augment
from s2i.errors import UserError
from s2i.fan_out import fan_out
from s2i.ingest import ingest
from s2i.matting import cut_backgrounds
from s2i.pair import pair
from s2i.params import Augment, Ingest, Matte, Pair, Work


def square(number):
    return number * number


def node(_):
    import ray

    time.sleep(0.3)  # short tasks would go to one worker in one batch
    return ray.get_runtime_context().get_node_id()


def process(_):
    return os.getpid()


def test_little_work_starts_no_processes_and_much_work_does(monkeypatch):
    monkeypatch.setattr("s2i.fan_out._processes_run", False)
    assert set(fan_out(process, range(40), "asking", Work(workers=2))) == {os.getpid()}
    monkeypatch.setattr("s2i.fan_out.PATIENCE", 0)
    assert len(set(fan_out(process, range(40), "asking", Work(workers=2)))) > 1


@pytest.mark.parametrize("patience", [0, 3])
@pytest.mark.parametrize("workers", [1, 2, -1])
def test_results_stand_in_the_order_of_the_items_whatever_the_workers(workers, patience, monkeypatch):
    monkeypatch.setattr("s2i.fan_out.PATIENCE", patience)
    monkeypatch.setattr("s2i.fan_out._processes_run", False)
    squares = fan_out(square, range(40), "squaring", Work(workers=workers))
    assert list(squares) == [number**2 for number in range(40)]


def test_every_stage_writes_the_same_with_one_worker_and_with_two(photo_folder, tmp_path, monkeypatch):
    monkeypatch.setattr("s2i.fan_out.PATIENCE", 0)
    made = {}
    for workers in (1, 2):
        monkeypatch.setenv("S2I_CACHE", str(tmp_path / f"cache-{workers}"))
        folder, work = tmp_path / f"workers-{workers}", Work(workers=workers)
        records, _ = ingest(photo_folder, folder / "ingested", 64, 0, Ingest(), work)
        records = list(pair(records, folder / "paired", Pair(styles=["pencil", "xdog"]), work))
        records = list(cut_backgrounds(records, folder / "matted", Matte(), work))
        records = [one | {"caption": "house", "captioned_by": "columns", "described": {}} for one in records]
        examples = list(augment(records, folder / "augmented", 0, Augment(variants=2), ["sketch"], work))
        files = sorted(path for path in folder.rglob("*") if path.is_file())
        read = [(path.relative_to(folder).as_posix(), path.read_bytes()) for path in files]
        made[workers] = read, [(one["id"], one["prompt"], one["flip"]) for one in examples]
    assert len(made[1][0]) > 100 and made[1] == made[2]


def test_nothing_to_do_is_no_error():
    assert list(fan_out(square, [], "squaring", Work())) == []


def test_ray_where_it_is_not_installed_is_one_clear_sentence(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "ray.util.joblib", None)
    with pytest.raises(UserError, match=r"work.engine is ray, but ray is not installed: pip install -e '.\[ray\]'"):
        list(fan_out(square, [1], "squaring", Work(engine="ray")))


@pytest.fixture
def two_nodes(monkeypatch):
    """A Ray cluster of two nodes on this machine."""
    ray = pytest.importorskip("ray")
    from ray.cluster_utils import Cluster

    monkeypatch.setenv("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([os.getcwd(), os.path.dirname(__file__)]))
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
    cluster.add_node(num_cpus=1)
    ray.init(address=cluster.address)
    yield cluster
    ray.shutdown()
    cluster.shutdown()


@pytest.mark.slow
def test_a_stage_on_two_ray_nodes_makes_what_one_process_makes(two_nodes, ingested, tmp_path):
    assert len(set(fan_out(node, range(12), "asking", Work(engine="ray")))) == 2, "both nodes work"
    made = {}
    for engine in ("loky", "ray"):
        work = Work(engine=engine, workers=1 if engine == "loky" else -1)
        records = list(pair(ingested, tmp_path / engine, Pair(styles=["pencil", "xdog"]), work))
        files = sorted((tmp_path / engine / "sketches").iterdir())
        made[engine] = [file.name for file in files], [file.read_bytes() for file in files], [r["id"] for r in records]
    assert made["loky"] == made["ray"] and len(made["ray"][0]) == 40
