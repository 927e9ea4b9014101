import shutil
import subprocess

import pytest
from helpers.files import PARAMS

from s2i.core import params_file
from s2i.core.errors import UserError
from s2i.core.params import Generate, Params
from s2i.generation import find_model

SETTINGS = Generate(steps=2)


def test_a_whole_pipeline_is_its_own_base_and_a_hub_id_a_controlnet(project):
    (project / "params.yaml").write_text(PARAMS.format(base="elsewhere"))
    assert find_model.find("models/trained").base == "models/trained"
    found = find_model.find("someone/their-controlnet")
    assert (found.base, found.controlnets) == ("elsewhere", ["someone/their-controlnet"])
    with pytest.raises(UserError, match="nonsense holds no trained model: run `make repro` first, or name a folder"):
        find_model.find("nonsense")


@pytest.mark.slow  # git and DVC in processes of their own
def test_the_model_and_the_parameters_of_an_experiment_are_taken(project):
    def run(command):
        subprocess.run(command.split(), check=True, capture_output=True)

    for command in ("git init -q", "git config user.email a@b", "git config user.name a", "dvc init -q"):
        run(command)
    run("dvc add -q models/trained")
    run("git add .")
    run("git commit -qm first")
    run("git branch wider")
    (project / "params.yaml").write_text(PARAMS.format(base="elsewhere"))
    (project / "models/trained/controlnet/config.json").unlink()
    found = find_model.find("wider")
    assert found.name == "wider" and found.params.base == "models/trained"
    assert (found.controlnets[0] / "config.json").exists()
    assert params_file.load().base == "elsewhere"


def test_the_app_takes_as_many_steps_as_were_found_to_be_enough(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    train = {"steps": 1, "batch_size": 1, "learning_rate": 1e-3}
    settings = Params(base="base", controlnet="controlnet", rank=2, resolution=64, train=train)
    places = "models/trained", "other/models/trained"
    last, other = (find_model.TrainedModel("trained", "base", [f"{one}/controlnet"], None, settings) for one in places)
    assert find_model.in_few_steps(last) == last
    (tmp_path / "metrics").mkdir()
    (tmp_path / "metrics/steps.json").write_text(
        '{"steps": 6, "guidance_scale": 2.0, "control_guidance_scale": 4.0, "edge_f1": 0.6}'
    )
    found = find_model.in_few_steps(last).params.generate
    assert (found.steps, found.guidance_scale, found.control_guidance_scale) == (6, 2.0, 4.0)
    assert find_model.in_few_steps(other) == other
    (tmp_path / "metrics/steps.json").write_text('{"steps": 2, "guidance_scale": 2.0, "edge_f1": 0.6}')
    assert find_model.in_few_steps(last) == last, "found before there was guidance by the sketch"
    (tmp_path / "metrics/steps.json").write_text('{"steps"')
    with pytest.raises(UserError, match=r"metrics/steps.json recommends no steps: run `make steps` again"):
        find_model.in_few_steps(last)


@pytest.mark.parametrize("content", ['{"steps":', "[4]", '{"steps": "four"}', '{"stepz": 3}'])
def test_how_a_student_draws_is_checked(content, tiny_base, tmp_path, params):
    student = shutil.copytree(tiny_base / "controlnet", tmp_path / "student/controlnet").parent
    (student / "generate.json").write_text(content)
    with pytest.raises(UserError, match=r"generate\.json is no JSON object|steps|stepz"):
        find_model.find(student, params())


def test_where_no_student_was_taught_that_is_said(tmp_path, monkeypatch, params):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match=r"models/student holds no student: set distill\.steps"):
        find_model.find("models/student", params())
