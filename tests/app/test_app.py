"""The app over HTTP, by its own API: what programs, and people with ill will, can do."""

import json
import os
import re
import shutil
import subprocess
import sys
from importlib.metadata import PackageNotFoundError
from pathlib import Path

import httpx
import numpy as np
import pytest
import yaml
from helpers.files import write_bomb
from helpers.ports import free_port
from helpers.project import write_project
from PIL import Image

gradio_client = pytest.importorskip("gradio_client", reason="the app's extra is not installed: pip install -e '.[app]'")
from gradio_client import Client, handle_file  # noqa: E402

from s2i import cli  # noqa: E402
from s2i.app import server as server_module  # noqa: E402
from s2i.app import suggestions  # noqa: E402
from s2i.app.worker import DrawRequest, Progress, Worker  # noqa: E402
from s2i.core.errors import UserError  # noqa: E402
from s2i.core.params import Generate  # noqa: E402
from s2i.generation import find_model  # noqa: E402
from s2i.imaging import io  # noqa: E402

WISH = {"prompt": "red house", "steps": 2, "guidance": 3, "control": 1, "scheduler": "", "seed": 4}
OFFERS = suggestions.Suggestions({part: [] for part in suggestions.PARTS}, [])


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """A folder with parameters, a trained model and a sketch, the working folder of all tests here."""
    folder = tmp_path_factory.mktemp("project")
    write_project(folder, "sketch.png")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        yield folder


@pytest.fixture(scope="module")
def serve(project):
    """serve(**options) serves the app, and gives its address and the folder of its files."""
    opened = []

    def serve(**options):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(server_module, "signal", None)
            blocks, url = server_module.launch(find_model.find(), OFFERS, port=free_port(), block=False, **options)
        opened.append((blocks, Path(server_module.os.environ["GRADIO_TEMP_DIR"])))
        return url, opened[-1][1]

    yield serve
    for blocks, folder in opened:
        blocks.close()
        shutil.rmtree(folder)


@pytest.fixture(scope="module")
def server(serve):
    return serve()


@pytest.fixture(scope="module")
def client(server):
    return Client(server[0], verbose=False)


def test_the_api_draws_what_the_command_draws(client, project):
    drawn = client.predict(handle_file(project / "sketch.png"), **WISH, api_name="/draw")
    with Image.open(drawn) as image:
        told = json.loads(image.text["parameters"])
        ours = np.asarray(image)
    assert (told["prompt"], told["steps"], told["seed"]) == ("red house", 2, 4)
    cli.main(
        ["generate", "sketch.png", "--prompt", "red house", "--steps", "2", "--guidance-scale", "3", "--seed", "4"]
    )
    assert (io.read(project / "drawn/sketch.png") == ours).all()


@pytest.mark.parametrize(
    ("file", "changes", "sentence"),
    [
        (None, {"prompt": "a" * 100_000}, "The prompt has 100,000 characters; keep it under 2,000"),
        (None, {"prompt": "red\x07house"}, r"The prompt holds the control character U\+0007"),
        (None, {"seed": -1}, "(Seed is -1|Value -1 is less than minimum)"),
        (None, {"steps": 0}, "(Steps is 0|Value 0 is less than minimum)"),
        (None, {"steps": 2.5}, "(Steps|steps) is 2.5; give a whole number"),
        (None, {"scheduler": "magic"}, "magic is not in the list of choices"),
        ("fake.png", {}, "The sketch cannot be read: not an image"),
        ("bomb.png", {}, "The sketch cannot be read: more than 40 megapixels"),
        ("white.png", {}, "The sketch shows no strokes: draw something first"),
    ],
)
def test_bad_input_is_one_clear_sentence_and_the_server_goes_on(client, project, file, changes, sentence):
    (project / "fake.png").write_bytes(b"%PDF-1.7\n%")
    write_bomb(project / "bomb.png")
    Image.new("RGB", (64, 64), "white").save(project / "white.png")
    with pytest.raises(Exception, match=sentence) as error:
        client.predict(handle_file(project / (file or "sketch.png")), **WISH | changes, api_name="/draw")
    assert "\n" not in str(error.value) and "Traceback" not in str(error.value)
    assert Path(client.predict(handle_file(project / "sketch.png"), **WISH, api_name="/draw")).exists()


@pytest.mark.parametrize("path", ["/etc/passwd", "{project}/params.yaml", "params.yaml", "../../etc/passwd"])
def test_no_path_of_the_server_can_be_read(server, project, path):
    path = path.format(project=project)
    assert httpx.get(f"{server[0]}gradio_api/file={path}").status_code in (403, 404)
    asked = {"path": path, "meta": {"_type": "gradio.FileData"}}
    call = f"{server[0]}gradio_api/call/draw"  # not by the client, which would upload the file
    event = httpx.post(call, json={"data": [asked, *WISH.values()]}).json()["event_id"]
    told = httpx.get(f"{call}/{event}", timeout=60).text
    assert "The sketch was not uploaded: send an image file" in told
    assert "root:" not in told and str(project) not in told


def test_no_address_is_fetched(client, monkeypatch):
    async def fetched(self, *_):
        raise AssertionError("fetched")

    monkeypatch.setattr("gradio.blocks.Block.async_move_resource_to_block_cache", fetched)
    asked = {"path": "https://example.com/huge.png", "meta": {"_type": "gradio.FileData"}}
    for wish in ({"sketch": asked}, {"sketch": None, "prompt": asked}):
        with pytest.raises(Exception, match="An address is no sketch: send an image file"):
            client.predict(**WISH | wish, api_name="/draw")


def test_what_is_wrong_in_the_server_is_told_to_its_operator_alone(client, project, monkeypatch, capsys):
    def broken(*_):
        raise OSError("/home/anna/secret is full")

    monkeypatch.setattr(Worker, "sketch", broken)
    with pytest.raises(Exception, match="Something went wrong in the server, whose terminal says more"):
        client.predict(handle_file(project / "sketch.png"), **WISH, api_name="/draw")
    assert "/home/anna/secret is full" in capsys.readouterr().err


def test_after_any_error_the_page_can_draw_again(project, tmp_path):
    import gradio

    from s2i.app import page

    answer = page._answer(Worker(None, find_model.find().params, tmp_path / "absent"))
    pieces = answer("data:image/png;base64,AAAA", "house", 2, 3, 1, "", 0, 1, False, [])
    *_, draw, cancel = next(pieces)
    assert draw["interactive"] and not cancel["interactive"]
    with pytest.raises(gradio.Error, match="Something went wrong in the server"):
        next(pieces)


def test_what_is_too_large_is_refused(server):
    answer = httpx.post(f"{server[0]}gradio_api/upload", files={"files": ("a.png", bytes(22 * 10**6))}, timeout=60)
    assert answer.status_code == 413 and "20 MB" in answer.text
    assert httpx.get(server[0]).status_code == 200


def test_with_a_login_nothing_is_shown_without_it(serve):
    url, _ = serve(login=("anna", "secret"))
    assert httpx.get(f"{url}config").status_code == 401
    assert httpx.get(f"{url}gradio_api/info").status_code == 401
    assert httpx.post(f"{url}login", data={"username": "anna", "password": "wrong"}).status_code == 400
    with pytest.raises(Exception, match="credentials were not provided"):
        Client(url, verbose=False)
    assert Client(url, auth=("anna", "secret"), verbose=False).view_api(return_format="dict")["named_endpoints"]


def test_a_full_queue_says_so_and_loses_nothing_it_took(serve, project):
    url, _ = serve(most_waiting=1)
    client = Client(url, verbose=False)
    wish = WISH | {"steps": 60}
    jobs = [client.submit(handle_file(project / "sketch.png"), **wish, api_name="/draw") for _ in range(6)]
    outcomes = [job.exception(timeout=120) for job in jobs]
    told = [str(outcome) for outcome in outcomes if outcome]
    assert told and all("Queue is full" in one for one in told)
    assert any(outcome is None for outcome in outcomes)


def test_a_user_without_a_password_is_told(project):
    with pytest.raises(SystemExit, match="s2i app: --user needs a password: set the environment variable S2I_PASSWORD"):
        cli.main(["app", "--user", "anna"])


def test_a_port_that_is_taken_is_one_clear_sentence(server, monkeypatch):
    monkeypatch.setenv("GRADIO_TEMP_DIR", os.environ["GRADIO_TEMP_DIR"])  # the server's, which is put back
    port = int(server[0].rstrip("/").rsplit(":", 1)[1])
    with pytest.raises(UserError, match=f"port {port} is taken: name another with --port"):
        server_module.launch(find_model.find(), OFFERS, port=port, block=False)


@pytest.mark.parametrize(
    ("place", "sentence"),
    [
        ({"port": 99999}, "port 99999 does not exist: name one from 1 to 65535 with --port"),
        ({"host": "192.0.2.1"}, "192.0.2.1 is no address of this machine: name another with --host"),
    ],
)
def test_where_the_app_cannot_listen_is_one_clear_sentence_and_nothing_stays(
    project, tmp_path, monkeypatch, place, sentence
):
    monkeypatch.setattr(server_module.tempfile, "tempdir", str(tmp_path))
    monkeypatch.setenv("GRADIO_TEMP_DIR", "put back")
    with pytest.raises(UserError, match=sentence):
        server_module.launch(find_model.find(), OFFERS, **{"port": free_port()} | place, block=False)
    assert not list(tmp_path.iterdir())


def drawer(load, folder):
    made = Worker(load, find_model.find().params, folder)
    made.start()
    return made


def test_a_model_that_cannot_be_loaded_is_told_to_everybody_who_draws(project, tmp_path, capsys):
    def load():
        raise UserError("/home/anna/model is half-written")

    steps = drawer(load, tmp_path).draw(DrawRequest("house", 2, 3, 1, None, 0, 1), np.zeros((64, 64), np.uint8))
    assert next(steps) == Progress(0, 2, None, None)
    with pytest.raises(UserError, match="the model could not be loaded: the terminal of the server says why"):
        next(steps)
    assert "s2i app: /home/anna/model is half-written" in capsys.readouterr().out


def test_a_drawing_can_be_cancelled_between_steps_and_the_next_one_begun(project, tmp_path):
    from s2i.generation import model

    made = drawer(lambda: model.SketchToImage(find_model.find()), tmp_path)
    sketch = io.read_grey(project / "sketch.png")[:64, :64]
    wish = DrawRequest("house " * 100, 8, 3, 1, None, 0, 2)
    steps = made.draw(wish, sketch)
    told = [next(steps) for _ in range(4)]
    assert told[1].startswith("the prompt is over 77 tokens") and told[3].number == 2 and told[3].seconds_left > 0
    steps.close()
    assert not list(tmp_path.iterdir()), "nothing was written"
    *_, result = made.draw(wish, sketch)
    assert len(result.images) == 2
    assert set(result.seen) == {"cleaned sketch", "edges", "material map", "to the model: sketch"}
    with Image.open(result.images[0]) as image:
        assert json.loads(image.text["parameters"])["warning"] == told[1]
    for file in result.images:
        Path(file).unlink()  # as Gradio does after an hour
    *_, result = made.draw(wish._replace(prompt="\N{OLD PERSIAN SIGN A}" * 60), sketch)
    assert [*tmp_path.iterdir()] == [Path(result.images[0]).parent]


def test_settings_beyond_the_usual_can_be_drawn_with(project, tmp_path):
    from s2i.app import page

    settings = Generate(steps=200, guidance_scale=20, conditioning_scale=3)
    params = find_model.find().params.model_copy(update={"generate": settings})
    made = page.page(Worker(None, params, tmp_path), OFFERS)
    most = {one.label: one.maximum for one in made.blocks.values() if hasattr(one, "maximum")}
    assert (most["Steps"], most["Guidance"], most["Control"]) == (200, 20, 3)


def test_what_is_offered_is_what_the_records_hold(tmp_path):
    assert suggestions.of_records(tmp_path) == OFFERS
    io.write_png(tmp_path / "mine.png", np.zeros((8, 8), np.uint8))
    given = suggestions.Suggestions(
        {"structure": ["house"], "color": [], "material": []}, [(str(tmp_path / "mine.png"), "a house")]
    )
    suggestions.write(given, tmp_path / "kept")
    kept = suggestions.of_folder(tmp_path / "kept")
    assert kept.words == given.words and kept.examples == [(str(tmp_path / "kept/example-1.png"), "a house")]


@pytest.mark.parametrize("content", ["", '{"words"', "[]", '{"words": {}, "examples": []}'])
def test_half_written_offers_are_one_clear_sentence(tmp_path, content):
    (tmp_path / suggestions.FILE).write_text(content)
    with pytest.raises(UserError, match=r"offers.json is not whole: write the folder again, or remove the file"):
        suggestions.of_folder(tmp_path)


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


@pytest.mark.parametrize("out", [".", "..", "{project}"])
@pytest.mark.parametrize("command", [["export"], ["export", "--space"], ["import", "sketch.png"]])
def test_the_folder_of_the_work_is_never_replaced(project, command, out):
    with pytest.raises(SystemExit, match="holds the folder you are in, and would be replaced: name another"):
        cli.main([*command, "--out", out.format(project=project)])
    assert (project / "sketch.png").exists()


@pytest.mark.slow  # a server in a process of its own
def test_a_space_serves_from_its_own_folder_alone_and_leaves_nothing_behind(space, project, tmp_path):
    port = str(free_port())
    environment = {name: one for name, one in os.environ.items() if name != "PYTHONPATH"}
    environment |= {"GRADIO_SERVER_NAME": "127.0.0.1", "GRADIO_SERVER_PORT": port, "TMPDIR": str(tmp_path)}
    process = subprocess.Popen([sys.executable, space / "app.py"], cwd="/", env=environment, stdout=subprocess.PIPE)
    try:
        assert b"Ctrl-C" in process.stdout.readline()
        client = Client(f"http://127.0.0.1:{port}/", verbose=False)
        drawn = client.predict(handle_file(project / "sketch.png"), **WISH, api_name="/draw")
        assert io.read(Path(drawn)).shape == (64, 64, 3)
        assert list(tmp_path.glob("s2i-app-*"))
    finally:
        process.terminate()
        process.wait(60)
    assert not list(tmp_path.glob("s2i-app-*"))
