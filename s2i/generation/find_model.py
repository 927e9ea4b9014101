"""Where a trained model is: in the last training's folder, in an experiment, in another folder, or on the model hub."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from s2i.core import cache, params_file
from s2i.core.errors import UserError
from s2i.core.params import Params
from s2i.diffusion import model_folder

FOLDER = Path("models/trained")
STUDENT = Path("models/student")
RECOMMENDATION = Path("metrics/steps.json")


class TrainedModel(NamedTuple):
    """The parts of a trained model: ``name`` to call it by, folders or hub ids of the rest."""

    name: str
    base: str
    controlnets: Sequence[str | Path]
    unet_lora: Path | None
    params: Params


def find(name: str | Path = FOLDER, params: Params | None = None) -> TrainedModel:
    """The model of a name, which is not loaded yet; params are those of params.yaml unless given.

    name: a folder that training wrote, or a whole pipeline with its ControlNet in it; else the name of a DVC
    experiment, branch or commit, whose models/trained and params.yaml are taken; else the hub id of a ControlNet.
    What a folder says of its conditions and of how it generates takes the place of what params says.
    Raises UserError when there is none, or it has fewer or more ControlNets than conditions.
    """
    folder, params = Path(name), params or params_file.load()
    if folder == STUDENT and not (folder / "controlnet").is_dir():
        raise UserError(f"{STUDENT} holds no student: set distill.steps in params.yaml, and run `dvc repro`.")
    if folder.is_dir():
        return _in_folder(folder, params)
    if folder == FOLDER:
        raise UserError(f"{FOLDER} holds no trained model: run `make repro` first, or name another with --model.")
    name = str(name)
    if fetched := _fetch_experiment(name):
        return _in_folder(fetched / FOLDER, params_file.load(fetched / "params.yaml"))._replace(name=name)
    if name.count("/") == 1 and not name.startswith((".", "/")):
        return TrainedModel(name, params.base, [name], None, params)
    raise UserError(
        f"{name} holds no trained model: run `make repro` first, or name a folder, an experiment or a hub id."
    )


def in_few_steps(model: TrainedModel) -> TrainedModel:
    """The last training's model with as many steps and as much guidance as `make steps` found to be enough.

    What it found before there was guidance by the sketch is not taken: it may be too few steps, which blur.
    """
    if Path(model.controlnets[0]).resolve().parent != FOLDER.resolve() or not RECOMMENDATION.exists():
        return model
    try:
        figures = dict(json.loads(RECOMMENDATION.read_text(encoding="utf-8")))
        if "steps" in figures and "control_guidance_scale" not in figures:
            return model
        recommended = {name: figures[name] for name in ("steps", "guidance_scale", "control_guidance_scale")}
    except (ValueError, TypeError, KeyError):
        raise UserError(f"{RECOMMENDATION} recommends no steps: run `make steps` again, or remove it.") from None
    generate = params_file.changed(model.params.generate, recommended)
    return model._replace(params=model.params.model_copy(update={"generate": generate}))


def _in_folder(folder: Path, params: Params) -> TrainedModel:
    is_whole_pipeline = (folder / "model_index.json").exists()
    lora, settings = folder / model_folder.UNET_LORA, folder / model_folder.SETTINGS
    if settings.exists():
        params = _with_settings(params, settings)
    return TrainedModel(
        folder.resolve().name,
        str(folder) if is_whole_pipeline else params.base,
        model_folder.find_controlnets(folder, params.conditions),
        lora if lora.is_dir() else None,
        params,
    )


def _with_settings(params: Params, file: Path) -> Params:
    """The parameters with what a model brings along: its conditions, and how it generates."""
    try:
        settings = dict(json.loads(file.read_text(encoding="utf-8")))
    except (ValueError, TypeError):
        raise UserError(f"{file} is no JSON object: run `dvc repro` again, or `s2i import`.") from None
    conditions = {"conditions": settings.pop("conditions", params.conditions)}
    return params_file.changed(params, conditions | {"generate": params_file.changed(params.generate, settings)})


def _fetch_experiment(name: str) -> Path | None:
    """A folder with the params.yaml and the models/trained of a revision, fetched once; None if there is no such."""
    from dvc.api import DVCFileSystem  # takes a second to import
    from dvc.exceptions import DvcException
    from dvc.repo import Repo
    from dvc.scm import RevError, resolve_rev
    from scmrepo.exceptions import SCMError

    try:
        with Repo() as repo:
            revision = resolve_rev(repo.scm, name)
    except (DvcException, RevError, SCMError):
        return None

    def fetch(draft: Path) -> None:
        files = DVCFileSystem(".", rev=revision)
        try:
            files.get("params.yaml", str(draft / "params.yaml"))
            files.get(FOLDER.as_posix(), str(draft / FOLDER), recursive=True)
        except (OSError, DvcException) as error:
            raise UserError(f"experiment {name} has no {FOLDER} on this machine ({error}); run it again.") from None

    return cache.folder("experiments", revision, fetch)
