"""A Hugging Face Space of a trained model: a folder that only needs to be pushed."""

import shutil
import tomllib
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import yaml

from s2i.app import suggestions
from s2i.core import output_folders
from s2i.core.errors import UserError
from s2i.generation.find_model import TrainedModel
from s2i.generation.model import SketchToImage

README = """---
title: {title}
emoji: 🏠
colorFrom: green
colorTo: gray
sdk: gradio
sdk_version: {gradio}
python_version: "3.12"
app_file: app.py
---

Draw a building, say what it is, and see it built.  Trained and exported with s2i; the model is in `model/`.
"""

LARGE_FILES = "".join(f"*.{kind} filter=lfs diff=lfs merge=lfs -text\n" for kind in ("safetensors", "png"))
NOT_FOR_DRAWING = (
    "dvclive",
    "lpips",
    "pytorch-fid",
    "matplotlib",
    "imagehash",
)  # packages that training or scoring needs

APP = '''"""The page of the model beside this file."""

import os
from pathlib import Path

os.chdir(Path(__file__).parent)

from s2i.app import server, suggestions  # noqa: E402
from s2i.core import params_file  # noqa: E402
from s2i.generation import find_model  # noqa: E402


def load():
    """The model, in memory."""
    from s2i.generation.model import SketchToImage  # takes seconds to import: the page does not wait for it

    return SketchToImage(trained)


if __name__ == "__main__":
    host, port = os.environ.get("GRADIO_SERVER_NAME", "0.0.0.0"), int(os.environ.get("GRADIO_SERVER_PORT", 7860))
    trained = find_model.find("model", params_file.load())
    settings = server.ServerSettings(host=host, port=port)
    server.serve(load, trained.params, suggestions.of_folder(Path("model")), settings)
'''


def write(trained: TrainedModel, suggested: suggestions.Suggestions, target: Path) -> None:
    """Write the Space: the page, s2i itself, what it needs, and the whole model in one folder, adapters merged.

    The history (.git) of a target that is a clone of the Space is kept.
    Raises UserError when the model cannot be loaded, or Gradio is not installed.
    """
    try:
        readme = README.format(title="Photos from sketches", gradio=version("gradio"))
    except PackageNotFoundError:
        raise UserError("gradio is not installed: `pip install -e '.[app]'` installs what a Space needs.") from None
    model = SketchToImage(trained)
    package = Path(__file__).parents[1]  # s2i/
    changes = {"base": "model", "controlnet": "model/controlnet", "device": "auto"}
    params = trained.params.model_dump(mode="json") | changes
    texts = {
        "params.yaml": yaml.safe_dump(params, sort_keys=False),
        "requirements.txt": "\n".join(_requirements(package.parent)) + "\n",
        "README.md": readme,
        "app.py": APP,
        ".gitattributes": LARGE_FILES,
    }
    with output_folders.whole_folder(target, may_hold=output_folders.NEW_SPACE) as folder:
        model.pipeline.save_pretrained(folder / "model")
        suggestions.write(suggested, folder / "model")
        shutil.copytree(package, folder / "s2i", ignore=shutil.ignore_patterns("__pycache__"))
        for name, text in texts.items():
            (folder / name).write_text(text, encoding="utf-8")


def _requirements(project: Path) -> list[str]:
    """What s2i needs to draw, without Gradio, which a Space brings itself."""
    metadata = tomllib.loads((project / "pyproject.toml").read_text(encoding="utf-8"))
    return [package for package in metadata["project"]["dependencies"] if not package.startswith(NOT_FOR_DRAWING)]
