"""A folder that one can draw in: parameters, a tiny trained model and a sketch."""

import numpy as np
from helpers.files import PARAMS
from helpers.tiny import save_base
from PIL import Image


def write_project(folder, sketch):
    """Write params.yaml, models/trained and, under that name, a sketch of one stroke into a folder."""
    save_base(folder / "models/trained")
    (folder / "params.yaml").write_text(PARAMS.format(base="models/trained"))
    paper = np.full((100, 140, 3), 255, np.uint8)
    paper[30:32, 20:120] = 0
    Image.fromarray(paper).save(folder / sketch)
