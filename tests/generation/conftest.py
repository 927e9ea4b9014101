"""A project with a trained model."""

import pytest
from helpers.files import PARAMS


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A folder, the current one, with params.yaml and a whole pipeline in models/trained."""
    from helpers.tiny import save_base  # with torch, which takes seconds

    save_base(tmp_path / "models/trained")
    (tmp_path / "params.yaml").write_text(PARAMS.format(base="models/trained"))
    monkeypatch.chdir(tmp_path)
    return tmp_path
