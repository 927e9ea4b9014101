"""A project to run commands in."""

import pytest
from helpers.project import write_project


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A folder with parameters, a trained model and a sketch, the working folder of the test."""
    write_project(tmp_path, "my sketch.png")
    monkeypatch.chdir(tmp_path)
    return tmp_path
