from pathlib import Path

import numpy as np
import pytest
import torch
from diffusers import StableDiffusionPipeline
from helpers.methods import generated
from safetensors.torch import load_file

from s2i.core.errors import UserError
from s2i.diffusion import base, model_folder
from s2i.diffusion.encoding import Encoder
from s2i.imaging import io
from s2i.training.methods import text_only, textual_inversion
from s2i.training.setup import TrainingSession


def test_inversion_changes_one_row_bit_for_bit_and_diffusers_loads_the_word(rows, method_params, trained, tiny_base):
    settings = method_params("textual_inversion", textual_inversion={"classes": ["barn"]})
    target = trained(settings)
    (file,) = (target / model_folder.NEW_WORDS).iterdir()
    ((word, row),) = load_file(file).items()
    assert word == "<barn>" and not (target / "unet").exists()
    before = StableDiffusionPipeline.from_pretrained(tiny_base)
    untouched = {name: one.clone() for name, one in before.text_encoder.state_dict().items()}
    before.load_textual_inversion(file)
    (name,) = (name for name in untouched if name.endswith("token_embedding.weight"))
    after = before.text_encoder.state_dict()
    assert torch.equal(after[name][:-1], untouched[name]) and torch.equal(after[name][-1], row)
    assert all(torch.equal(after[other], untouched[other]) for other in untouched if other != name)
    initial = before.tokenizer("barn", add_special_tokens=False).input_ids
    assert not torch.equal(row, untouched[name][initial].mean(dim=0))
    generated(rows[:3], target, settings)


def test_training_an_inversion_leaves_the_model_as_it_is(method_params, tiny_base):
    pipeline = base.load(tiny_base, None)
    textual_inversion.add_placeholder(pipeline, "barn", method_params("textual_inversion").textual_inversion)
    before = {name: one.clone() for name, one in pipeline.text_encoder.state_dict().items()}
    model = textual_inversion.InvertedUNet(pipeline.unet, pipeline.text_encoder.requires_grad_(False))
    model.unet.requires_grad_(False)
    tokens = text_only.tokens_of(pipeline, "<barn>", 2)
    optimizer = torch.optim.AdamW([one for one in model.parameters() if one.requires_grad], lr=0.1)
    model(torch.randn(2, 6, 8, 8), torch.tensor([3, 500]), tokens).square().mean().backward()
    optimizer.step()
    assert [name for name, one in model.named_parameters() if one.requires_grad] == ["row"]
    assert all(torch.equal(one, before[name]) for name, one in pipeline.text_encoder.state_dict().items())
    assert not torch.equal(model.row.detach(), before[model.name][-1:])


def test_one_word_for_all_is_told_the_class_beside_it(rows, method_params, trained, tiny_base):
    inversion = {"per": "all", "naming": "a {label} in the style of {token}", "initial": "drawing"}
    settings = method_params("textual_inversion", textual_inversion=inversion)
    target = trained(settings)
    task = textual_inversion.generation_task(rows, target, target, settings)
    assert task.examples[0]["prompt"] == "a barn in the style of <all>"
    assert textual_inversion.untouched_task(rows, settings).examples[-1]["prompt"] == "a church in the style of church"
    pipeline = base.load_trained(tiny_base, target)
    assert pipeline.tokenizer.convert_tokens_to_ids("<all>") == len(pipeline.tokenizer) - 1


def test_a_word_is_learned_in_many_sentences_from_images_and_their_mirror_images(rows, method_params, tiny_base):
    settings = method_params("textual_inversion")
    pipeline = base.load(tiny_base, None)
    neutral = textual_inversion.sentences_of(settings.textual_inversion, "<barn>", "barn")
    assert len(set(neutral)) == 27 and "a dark drawing of the <barn>" in neutral
    of_photos = settings.textual_inversion.model_copy(update={"of": "photo"})
    assert "a dark photo of the <barn>" in textual_inversion.sentences_of(of_photos, "<barn>", "barn")
    style = settings.textual_inversion.model_copy(update={"templates": ["style"]})
    assert len(textual_inversion.sentences_of(style, "<all>", "barn")) == 19
    files = [Path(rows[0]["photo"]), Path(rows[1]["photo"])]
    told = text_only.encode_images_of(pipeline, files, neutral, settings, "subject", flip=True)
    assert len(told) == 27 * 4
    assert len({tuple(example["subject.tokens"].tolist()) for example in told}) == 27
    mirrored = Encoder(pipeline, 4).latents([np.ascontiguousarray(io.read(file)[:, ::-1]) for file in files])[0]
    torch.testing.assert_close(told[2]["subject.latent_mean"], mirrored[0], atol=1e-4, rtol=1e-4)
    assert not torch.allclose(told[0]["subject.latent_mean"], mirrored[0], atol=1e-2)


def test_a_training_goes_through_the_sentences(rows, method_params, trained, monkeypatch):
    seen = []
    fit = TrainingSession.fit
    monkeypatch.setattr(
        TrainingSession,
        "fit",
        lambda self, model, loss, examples, *rest, **more: (
            seen.append(len(examples)),
            fit(self, model, loss, examples, *rest, **more),
        ),
    )
    inversion = {"classes": ["barn"], "templates": ["an {token}", "two {token}"], "flip": False}
    trained(method_params("textual_inversion", textual_inversion=inversion))
    assert seen == [2 * 4], "two sentences, four sketches of barns"


@pytest.mark.parametrize("sentence", ["a barn", "a {label}", "a {thing} of {token}"])
def test_a_sentence_without_the_new_word_is_refused(method_params, sentence):
    with pytest.raises(ValueError, match=r"it must name \{token\}"):
        method_params("textual_inversion", textual_inversion={"templates": ["object", sentence]})


def test_a_word_that_is_in_the_vocabulary_is_refused(method_params, tiny_base):
    pipeline = base.load(tiny_base, None)
    settings = method_params("textual_inversion").textual_inversion
    textual_inversion.add_placeholder(pipeline, "barn", settings)
    with pytest.raises(UserError, match="'<barn>' is in the vocabulary of the base already"):
        textual_inversion.add_placeholder(pipeline, "barn", settings)
