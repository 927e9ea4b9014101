import os
import re
import subprocess
import sys
from importlib.metadata import PackageNotFoundError
from pathlib import Path

import pytest
import yaml
from helpers.app import REQUEST
from helpers.ports import free_port

pytest.importorskip("gradio", reason="the app's extra is not installed: pip install -e '.[app]'")
from gradio_client import Client, handle_file

from s2i import cli
from s2i.app import suggestions
from s2i.imaging import io


@pytest.fixture(scope="module")
def space(project):
    """The folder of a Space, written into a clone of one."""
    (project / "space/.git").mkdir(parents=True)
    cli.main(["export", "--space", "--out", "space"])
    return project / "space"


def test_a_space_holds_the_page_the_package_and_the_whole_model(space):
    written = {file.relative_to(space).as_posix() for file in space.rglob("*") if file.is_file()}
    wanted = {
        "README.md",
        "app.py",
        "requirements.txt",
        "params.yaml",
        "s2i/app/canvas.js",
        "s2i/vocabulary/wordings.yaml",
    }
    assert wanted | {"model/model_index.json", "model/controlnet/config.json", f"model/{suggestions.FILE}"} <= written
    assert not [name for name in written if name.endswith((".pyc", ".bin", ".ckpt", ".pth"))]
    head = yaml.safe_load((space / "README.md").read_text().split("---")[1])
    assert (head["sdk"], head["app_file"]) == ("gradio", "app.py") and re.match(r"\d+\.\d+\.\d+$", head["sdk_version"])
    assert "torch" in (space / "requirements.txt").read_text()
    assert (space / ".git").is_dir() and head["python_version"] == "3.12"
    assert "*.safetensors filter=lfs" in (space / ".gitattributes").read_text()


def test_a_space_without_gradio_is_one_clear_sentence(project, monkeypatch):
    monkeypatch.setattr("importlib.metadata.distribution", lambda name: (_ for _ in ()).throw(PackageNotFoundError()))
    with pytest.raises(SystemExit, match="s2i export: gradio is not installed"):
        cli.main(["export", "--space", "--out", "other"])


@pytest.mark.slow  # a server in a process of its own
def test_a_space_serves_from_its_own_folder_alone_and_leaves_nothing_behind(space, project, tmp_path):
    port = str(free_port())
    environment = {name: one for name, one in os.environ.items() if name != "PYTHONPATH"}
    environment |= {"GRADIO_SERVER_NAME": "127.0.0.1", "GRADIO_SERVER_PORT": port, "TMPDIR": str(tmp_path)}
    process = subprocess.Popen([sys.executable, space / "app.py"], cwd="/", env=environment, stdout=subprocess.PIPE)
    try:
        assert b"Ctrl-C" in process.stdout.readline()
        client = Client(f"http://127.0.0.1:{port}/", verbose=False)
        drawn = client.predict(handle_file(project / "sketch.png"), **REQUEST, api_name="/draw")
        assert io.read(Path(drawn)).shape == (46, 64, 3)
        assert list(tmp_path.glob("s2i-app-*"))
    finally:
        process.terminate()
        process.wait(60)
    assert not list(tmp_path.glob("s2i-app-*"))
