import pytest

from s2i.core.errors import UserError
from s2i.diffusion import base


def test_a_base_that_is_not_there_is_one_clear_sentence(tmp_path, monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(UserError, match=r"base: '.*nowhere' is no folder here .* set base in params\.yaml"):
        base.load(tmp_path / "nowhere", None)
    (tmp_path / "empty").mkdir()
    with pytest.raises(UserError, match=r"has no model_index\.json; it must hold a model in diffusers format"):
        base.load(tmp_path / "empty", None)
