"""CLIP, with random weights where S2I_WEIGHTS has it."""

import pytest
import torch
from helpers.images import noise

from s2i.core.errors import UserError
from s2i.metrics import distributions, embeddings
from s2i.networks import clip


@pytest.fixture
def clip_folder(tmp_path, monkeypatch):
    """A tiny CLIP with random weights, where S2I_WEIGHTS has it."""
    from transformers import CLIPConfig, CLIPModel

    from s2i.embedded.pretraining.text_encoder import build_tokenizer

    torch.manual_seed(0)
    small = {"hidden_size": 32, "intermediate_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2}
    tokenizer = build_tokenizer(64)
    text = small | {"vocab_size": len(tokenizer), "eos_token_id": tokenizer.eos_token_id}
    config = CLIPConfig(text_config=text, vision_config=small | {"image_size": 32, "patch_size": 8}, projection_dim=16)
    folder = tmp_path / "clip-vit-large-patch14-336"
    CLIPModel(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    monkeypatch.setenv("S2I_WEIGHTS", str(tmp_path))
    return folder


def test_clip_is_read_from_its_folder_and_scores_texts_and_sets(clip_folder):
    model = clip.load()
    images, texts = model.embed_images(noise(6, 3, 64, 64)), model.embed_texts(["a red house", "a tower"] * 3)
    assert images.shape == texts.shape == (6, 16) and torch.allclose(images.norm(dim=1), torch.ones(6))
    wanted = 100 * torch.nn.functional.cosine_similarity(images, texts).clamp(min=0)
    assert torch.allclose(embeddings.clip_score(images, texts), wanted, atol=1e-4)
    other = model.embed_images(noise(6, 3, 64, 64, seed=1) / 4 + 0.5).numpy()
    assert distributions.cmmd(images.numpy(), images.numpy()) == pytest.approx(0, abs=1e-4)
    assert distributions.cmmd(images.numpy(), other) > 0


def test_clip_is_absent_where_it_is_not_and_a_broken_folder_is_one_sentence(clip_folder, monkeypatch, tmp_path):
    (clip_folder / "model.safetensors").write_bytes(b"torn")
    with pytest.raises(UserError, match="holds no CLIP"):
        clip.load()
    monkeypatch.setenv("S2I_WEIGHTS", str(tmp_path / "elsewhere"))
    assert clip.folder() is None and clip.load() is None
