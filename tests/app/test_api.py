"""What programs can do with the app over HTTP."""

import json
import os
from pathlib import Path

import numpy as np
import pytest
from helpers.app import REQUEST
from helpers.files import write_bomb
from helpers.hostile_images import EPS
from PIL import Image

pytest.importorskip("gradio", reason="the app's extra is not installed: pip install -e '.[app]'")
from gradio_client import handle_file

from s2i import cli
from s2i.app.worker import Worker
from s2i.imaging import io


def test_the_api_draws_what_the_command_draws(client, project):
    drawn = client.predict(handle_file(project / "sketch.png"), **REQUEST, api_name="/draw")
    with Image.open(drawn) as image:
        told = json.loads(image.text["parameters"])
        ours = np.asarray(image)
    assert (told["prompt"], told["steps"], told["seed"]) == ("red house", 2, 4)
    assert (told["negative_prompt"], told["control_guidance_scale"]) == ("blurred", 2)
    options = ["--prompt", "red house", "--steps", "2", "--guidance-scale", "3", "--seed", "4"]
    guided = ["--negative-prompt", "blurred", "--control-guidance-scale", "2"]
    cli.main(["generate", "sketch.png", *options, *guided])
    assert (io.read(project / "drawn/sketch.png") == ours).all()
    cli.main(["generate", "sketch.png", *options, "--out", "unled"])
    assert (io.read(project / "unled/sketch.png") != ours).any()


def test_what_a_program_leaves_out_is_as_the_page_has_it(client, project):
    left_out = {name: value for name, value in REQUEST.items() if name not in ("negative_prompt", "control_guidance")}
    drawn = client.predict(handle_file(project / "sketch.png"), **left_out, api_name="/draw")
    with Image.open(drawn) as image:
        told = json.loads(image.text["parameters"])
    assert (told["negative_prompt"], told["control_guidance_scale"]) == ("", 1)


@pytest.mark.parametrize(
    ("file", "changes", "sentence"),
    [
        (None, {"prompt": "a" * 100_000}, "The prompt has 100,000 characters; keep it under 2,000"),
        (None, {"prompt": "red\x07house"}, r"The prompt holds the control character U\+0007"),
        (None, {"negative_prompt": "a" * 100_000}, "The negative prompt has 100,000 characters; keep it under 2,000"),
        (
            None,
            {"guidance": 1, "control_guidance": 1},
            "Settings: negative_prompt is 'blurred', but guidance_scale and .* acts by.$",
        ),
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
        client.predict(handle_file(project / (file or "sketch.png")), **REQUEST | changes, api_name="/draw")
    assert "\n" not in str(error.value) and "Traceback" not in str(error.value)
    assert Path(client.predict(handle_file(project / "sketch.png"), **REQUEST, api_name="/draw")).exists()


def test_what_is_wrong_in_the_server_is_told_to_its_operator_alone(client, project, monkeypatch, capsys):
    def broken(*_):
        raise OSError("/home/anna/secret is full")

    monkeypatch.setattr(Worker, "sketch", broken)
    with pytest.raises(Exception, match="Something went wrong in the server, whose terminal says more"):
        client.predict(handle_file(project / "sketch.png"), **REQUEST, api_name="/draw")
    assert "/home/anna/secret is full" in capsys.readouterr().err


def test_an_upload_starts_no_program_and_no_path_of_the_server_is_told(client, project, monkeypatch):
    (project / "bin").mkdir()
    (project / "bin/gs").write_text(f"#!/bin/sh\ntouch {project}/started\n")
    (project / "bin/gs").chmod(0o755)
    monkeypatch.setenv("PATH", str(project / "bin"), prepend=os.pathsep)
    (project / "drawing.png").write_bytes(EPS)
    with pytest.raises(Exception, match="The sketch cannot be read: not an image") as error:
        client.predict(handle_file(project / "drawing.png"), **REQUEST, api_name="/draw")
    assert "/" not in str(error.value) and not (project / "started").exists()
