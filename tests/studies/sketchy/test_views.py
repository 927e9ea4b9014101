"""What is shown of a study's photos and sketches, in files and in the notebook."""

import json
from pathlib import Path

import nbformat
import numpy as np
from nbclient import NotebookClient
from PIL import Image

from s2i.core import records
from s2i.studies.sketchy import views

PROJECT = Path(__file__).parents[3]


def test_views_count_photos_and_sketches(rows, tmp_path):
    photos = views.table(rows)
    assert len(photos) == 24 and photos["sketches"].eq(2).all()
    assert photos.groupby(["label", "split"]).size().eq(4).all()
    views.write(rows, tmp_path)
    for name in ("classes.png", "sketches.png", "samples.jpg"):
        assert np.asarray(Image.open(tmp_path / name)).std() > 5


def test_the_notebook_runs(rows, tmp_path, monkeypatch):
    (tmp_path / "records").mkdir()
    records.write(rows, tmp_path / "records")
    monkeypatch.setenv("S2I_RECORDS", str(tmp_path / "records"))
    notebook = nbformat.read(PROJECT / "notebooks/look_at_the_data.ipynb", as_version=4)
    NotebookClient(notebook, resources={"metadata": {"path": str(PROJECT / "notebooks")}}, timeout=120).execute()
    outputs = json.dumps([cell.get("outputs") for cell in notebook.cells])
    assert outputs.count("image/png") == 3
