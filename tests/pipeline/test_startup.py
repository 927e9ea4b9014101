"""What a run costs that has nothing new to do."""

import os
import subprocess
import sys
from pathlib import Path

import yaml

HERE = Path(__file__).parents[2]
RUN = """
import runpy, sys
from helpers.stages import DATA_STAGES

loaded = set()
for stage, *folders in DATA_STAGES:
    loaded |= {"pandas", "torch", "rembg", "openvino", "joblib"} & sys.modules.keys()
    sys.argv = [f"{sys.path[-1]}/stages/{stage}.py", *folders]
    runpy.run_path(sys.argv[0])
print(*loaded, *({"torch", "joblib"} & sys.modules.keys()))
"""


def test_data_stages_load_no_network_and_no_pandas_for_photos_that_the_cache_knows(photo_folder, tmp_path):
    values = yaml.safe_load((HERE / "params.yaml").read_text())
    values |= {"resolution": 64, "workers": {"count": 2}, "ingest": {}}
    values["caption"]["attributes"] = str(HERE / "data/base/attributes.safetensors")
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(values))
    loaded, written = [], []
    for _ in range(2):
        run = [sys.executable, "-c", f"import sys; sys.path.append({str(HERE)!r})\n{RUN}"]
        environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(HERE), str(HERE / "tests")])}
        done = subprocess.run(run, cwd=tmp_path, env=environment, capture_output=True, text=True)
        assert not done.returncode, done.stderr
        loaded.append(set(done.stdout.split()))
        written.append({file: file.read_bytes() for file in tmp_path.rglob("*.*") if file.is_file()})
    assert {"torch", "openvino"} <= loaded[0] and not loaded[1]
    assert written[0] == written[1]
