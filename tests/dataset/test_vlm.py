"""Vision language models of six families, with random weights, through the code that asks the real ones."""

import sys
from types import ModuleType

import pytest
import torch
from helpers import vlms
from transformers import AutoModelForImageTextToText, AutoProcessor

from s2i.core.errors import UserError
from s2i.dataset.captioning import vlm
from s2i.dataset.captioning.questions import numbered_question


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """saved(family) is the folder of a model, written once."""
    folders = {}

    def saved(family):
        if family not in folders:
            folders[family] = vlms.save(family, tmp_path_factory.mktemp("model"))
        return folders[family]

    return saved


@pytest.fixture(scope="module", params=vlms.SAVED_BY)
def family(request):
    return request.param


def load(folder):
    return vlm.load(str(folder), torch.device("cpu"), "fp32")


def questions_to(family):
    return vlm.FLORENCE_TASKS if family == "florence2" else [numbered_question(number) for number in (1, 2, 3)]


def test_an_answer_does_not_depend_on_the_batch_and_does_not_repeat_the_question(family, saved, house):
    images, question = [house(number) for number in range(5)], questions_to(family)[0]
    together = load(saved(family)).answer(images, question, 6)
    alone = [answer for image in images for answer in load(saved(family)).answer([image], question, 6)]
    assert len(together) == 5 and together == alone and all(together)
    assert not any(word in answer for answer in together for word in ("ASSISTANT", "assistant", "Answer", question))


def test_another_question_gets_another_answer(family, saved, house):
    answers = {tuple(load(saved(family)).answer([house(1)], question, 6)) for question in questions_to(family)}
    assert len(answers) > 1


@pytest.mark.parametrize("family", ["llava with a template", "qwen2-vl", "gemma3"])
def test_a_model_is_asked_by_its_own_chat_template_about_its_own_image(family, saved, house, monkeypatch):
    model, read = load(saved(family)), []
    generate = model.model.generate

    def generate_and_note(**inputs):
        read.append(inputs)
        return generate(**inputs)

    monkeypatch.setattr(model.model, "generate", generate_and_note)
    model.answer([house(1), house(2)], "What is it?", 2)
    first, second = model.processor.batch_decode(read[0]["input_ids"], skip_special_tokens=True)
    assert first.split() == second.split() == ["user:", "What", "is", "it?", "assistant:"]
    pixels = read[0]["pixel_values"]
    assert not torch.equal(*pixels.reshape(2, -1, *pixels.shape[1:]))


@pytest.mark.parametrize(
    ("family", "prompt"), [("llava", "USER: What? ASSISTANT:"), ("blip-2", "Question: What? Answer:")]
)
def test_older_models_without_a_template_have_their_prompts(family, prompt, saved, house):
    model = load(saved(family))
    assert not model.has_template
    (text,) = model.processor.batch_decode(model._inputs([house(1)], "What?")["input_ids"], skip_special_tokens=True)
    assert text.split() == prompt.split()


def test_florence_2_is_told_a_task_and_no_question(saved, house):
    model = load(saved("florence2"))
    (text,) = model.processor.batch_decode(
        model._inputs([house(1)], "<DETAILED_CAPTION>")["input_ids"], skip_special_tokens=True
    )
    assert text == "Describe in detail what is shown in the image."
    sentence = r"caption.vlm.question is 'What\?', but .* Florence-2.* set it to <CAPTION> or <DETAILED_CAPTION> or"
    with pytest.raises(UserError, match=sentence):
        model.answer([house(1)], "What?", 2)


def test_another_type_without_a_template_is_refused(saved):
    processor = AutoProcessor.from_pretrained(saved("qwen2-vl"))
    processor.chat_template = None
    model = AutoModelForImageTextToText.from_pretrained(saved("qwen2-vl"))
    with pytest.raises(UserError, match=r"is of type qwen2_vl and brings no chat template, so s2i cannot ask it"):
        vlm.VisionLanguageModel(model, processor)


def test_weights_are_in_8_bits_where_there_is_a_gpu_with_bitsandbytes(saved, monkeypatch):
    load, asked = AutoModelForImageTextToText.from_pretrained, []

    def from_pretrained(name, quantization_config=None, device_map=None, **options):
        asked.append((bool(quantization_config and quantization_config.load_in_8bit), device_map))
        return load(name, **options)

    monkeypatch.setattr(AutoModelForImageTextToText, "from_pretrained", from_pretrained)
    vlm.load(str(saved("llava")), torch.device("cpu"), "bf16")
    monkeypatch.setitem(sys.modules, "bitsandbytes", ModuleType("bitsandbytes"))
    vlm.load(str(saved("llava")), torch.device("cuda"), "bf16")
    assert asked == [(False, None), (True, {"": torch.device("cuda")})]


def test_a_model_that_cannot_be_had_is_one_clear_sentence(monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    sentence = r"caption.vlm.model 'nobody/nothing' is no folder here .* take vlm out of caption"
    with pytest.raises(UserError, match=sentence):
        load("nobody/nothing")
