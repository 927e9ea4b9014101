"""Both kinds of vision language models, with random weights, through the code that asks the real ones."""

import sys
from types import ModuleType

import numpy as np
import pytest
import torch
from transformers import (
    AutoModelForImageTextToText,
    Blip2Config,
    Blip2ForConditionalGeneration,
    Blip2Processor,
    Blip2QFormerConfig,
    Blip2VisionConfig,
    CLIPImageProcessor,
    CLIPVisionConfig,
    LlamaConfig,
    LlavaConfig,
    LlavaForConditionalGeneration,
    LlavaProcessor,
    OPTConfig,
    PreTrainedTokenizerFast,
)

from s2i.core import quarantine
from s2i.core.errors import UserError
from s2i.core.params import Caption, Vlm
from s2i.dataset.captioning import vlm
from s2i.dataset.captioning.captions import caption
from s2i.dataset.survey import caption_table
from s2i.imaging import io

SIZE, PATCH = 32, 16
VISION = {"hidden_size": 16, "intermediate_size": 16, "num_attention_heads": 2, "image_size": SIZE, "patch_size": PATCH}
TEXT = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "max_position_embeddings": 256}
ENDS = {"pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 2}


def tokenizer():
    """Every byte a token."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers

    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    words = {token: index for index, token in enumerate(["<pad>", "<s>", "</s>", "<image>", *letters])}
    byte_level = Tokenizer(models.BPE(vocab=words, merges=[]))
    byte_level.pre_tokenizer, byte_level.decoder = (
        pre_tokenizers.ByteLevel(add_prefix_space=False),
        decoders.ByteLevel(),
    )
    special = {"pad_token": "<pad>", "bos_token": "<s>", "eos_token": "</s>"}
    return PreTrainedTokenizerFast(tokenizer_object=byte_level, additional_special_tokens=["<image>"], **special)


def image_processor():
    return CLIPImageProcessor(size={"shortest_edge": SIZE}, crop_size={"height": SIZE, "width": SIZE})


def save_llava(folder):
    words = tokenizer()
    config = LlavaConfig(
        vision_config=CLIPVisionConfig(num_hidden_layers=2, **VISION),
        text_config=LlamaConfig(vocab_size=len(words), intermediate_size=16, **TEXT, **ENDS),
        image_token_index=words.convert_tokens_to_ids("<image>"),
    )
    LlavaForConditionalGeneration(config).save_pretrained(folder)
    layout = {"patch_size": PATCH, "vision_feature_select_strategy": "default", "num_additional_image_tokens": 1}
    LlavaProcessor(image_processor(), words, **layout).save_pretrained(folder)


def save_blip2(folder):
    words = tokenizer()
    former = {"hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2}
    config = Blip2Config(
        vision_config=Blip2VisionConfig(num_hidden_layers=1, **VISION),
        qformer_config=Blip2QFormerConfig(vocab_size=len(words), encoder_hidden_size=16, **former),
        text_config=OPTConfig(vocab_size=len(words), ffn_dim=16, word_embed_proj_dim=16, **TEXT, **ENDS),
        num_query_tokens=4,
        image_token_index=words.convert_tokens_to_ids("<image>"),
    )
    Blip2ForConditionalGeneration(config).save_pretrained(folder)
    Blip2Processor(image_processor(), words, num_query_tokens=4).save_pretrained(folder)


@pytest.fixture(scope="module", params=["llava", "blip-2"])
def model(request, tmp_path_factory):
    torch.manual_seed(0)
    folder = tmp_path_factory.mktemp(request.param)
    {"llava": save_llava, "blip-2": save_blip2}[request.param](folder)
    return folder


def ask(model, images, number=1):
    return vlm.load(str(model), torch.device("cpu"), "fp32").answer(images, vlm.numbered_question(number), 6)


def test_an_answer_does_not_depend_on_the_batch_and_does_not_repeat_the_question(model, house):
    images = [house(number) for number in range(5)]
    together = ask(model, images)
    alone = [answer for image in images for answer in ask(model, [image])]
    assert len(together) == 5 and together == alone
    assert not any("ASSISTANT" in answer or "Answer" in answer for answer in together)


def test_another_question_gets_another_answer(model, house):
    answers = {tuple(ask(model, [house(1), house(2)], number)) for number in (1, 2, 3)}
    assert len(answers) > 1


def test_there_are_ten_questions_and_no_eleventh():
    assert len({vlm.numbered_question(number) for number in range(1, 11)}) == 10
    with pytest.raises(UserError, match=r"caption.vlm.question is 11, but .*questions.yaml has 10"):
        vlm.numbered_question(11)


def test_weights_are_in_8_bits_where_there_is_a_gpu_with_bitsandbytes(model, monkeypatch):
    load, asked = AutoModelForImageTextToText.from_pretrained, []

    def from_pretrained(name, quantization_config=None, device_map=None, **options):
        asked.append((bool(quantization_config and quantization_config.load_in_8bit), device_map))
        return load(name, **options)

    monkeypatch.setattr(AutoModelForImageTextToText, "from_pretrained", from_pretrained)
    vlm.load(str(model), torch.device("cpu"), "bf16")
    monkeypatch.setitem(sys.modules, "bitsandbytes", ModuleType("bitsandbytes"))
    vlm.load(str(model), torch.device("cuda"), "bf16")
    assert asked == [(False, None), (True, {"": torch.device("cuda")})]


def test_a_model_that_cannot_be_had_is_one_clear_sentence(monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(
        UserError, match=r"caption.vlm.model 'nobody/nothing' is no folder here .* take vlm out of caption"
    ):
        ask("nobody/nothing", [])


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ("", "empty answer"),
        (" .\n", "empty answer"),
        ("a" * 10_000, "answer of 10000 characters"),
        ("a red house", None),
    ],
)
def test_an_answer_that_is_no_caption_is_told(answer, reason):
    assert vlm.refusal_of(answer) == reason


def test_useless_answers_are_quarantined_and_the_next_in_turn_is_asked(ingested, tmp_path, workers, monkeypatch):
    class Answering:
        def answer(self, images, question, max_new_tokens):
            assert all(isinstance(image, np.ndarray) for image in images)
            return ["", "a" * 10_000] + [f"house {number}" for number in range(2, len(images))]

    monkeypatch.setattr(vlm, "load", lambda *_: Answering())
    records = [record | {"structure": "barn"} for record in ingested]
    settings = Caption(by=["vlm", "columns"], vlm=Vlm(batch_size=20))
    captioned = list(caption(records, tmp_path, settings, workers, device="cpu", precision="fp32"))
    assert [record["caption"] for record in captioned[:3]] == ["barn", "barn", "house 2"]
    assert [record["captioned_by"] for record in captioned].count("vlm") == 18
    assert [row["reason"] for row in quarantine.read(tmp_path)] == [
        f"empty answer of caption.vlm to {vlm.numbered_question(1)!r}: ''",
        f"answer of 10000 characters of caption.vlm to {vlm.numbered_question(1)!r}: '{'a' * 200}'",
    ]


def test_what_was_answered_before_is_not_asked_again_also_after_a_killed_run(model, ingested, monkeypatch):
    asked = []

    class Answering:
        def answer(self, images, question, max_new_tokens):
            if len(asked) == 3:
                raise KeyboardInterrupt
            asked.append(len(images))
            return [f"house {len(asked)}"] * len(images)

    monkeypatch.setattr(vlm, "load", lambda *_: Answering())
    photos = [record["photo"] for record in ingested]

    def answers(photos, question="What is it?"):
        return vlm.cached_answers(photos, question, Vlm(model=str(model), batch_size=2), torch.device("cpu"), "fp32")

    with pytest.raises(KeyboardInterrupt):
        answers(photos[:8])
    asked.clear()
    assert answers(photos[:8]) == [f"house {batch}" for batch in (1, 1, 2, 2, 3, 3, 1, 1)] and asked == [2]
    answers(photos[:9])
    assert asked == [2, 1]
    answers(photos[:1], "Where is it?")
    assert asked == [2, 1, 1]


def test_of_several_questions_the_first_captions_and_all_answers_can_be_compared(
    ingested, tmp_path, workers, monkeypatch
):
    class Answering:
        def answer(self, images, question, max_new_tokens):
            assert all(image.shape == (64, 64, 3) and (image == 0).all() for image in images), "sketches"
            return [f"a barn, asked {question}" if question == vlm.numbered_question(5) else "?"] * len(images)

    monkeypatch.setattr(vlm, "load", lambda *_: Answering())
    settings = Caption(by=["vlm"], vlm=Vlm(question=[5, 1], model="some/model", of="sketch"))
    io.write_png(tmp_path / "black.png", np.zeros((64, 64), np.uint8))
    drawn = [record | {"sketches": {"given": str(tmp_path / "black.png")}} for record in ingested]
    records = [drawn[0]] + [record | {"label": "barn"} for record in drawn[1:]]
    captioned = list(caption(records, tmp_path, settings, workers, device="cpu", precision="fp32"))
    assert {record["caption"] for record in captioned} == {f"a barn, asked {vlm.numbered_question(5)}"}
    compared = caption_table.compare(caption_table.read(tmp_path / "answers.csv")[0])
    assert set(compared["prompt"]) == {vlm.numbered_question(5), vlm.numbered_question(1)}
    assert set(compared["captions"]) == {19}
    assert set(compared["model"]) == {"some/model"} and sorted(compared["label_accuracy"]) == [0, 1]
    reasons = [row["reason"] for row in quarantine.read(tmp_path)]
    assert reasons == [f"empty answer of caption.vlm to {vlm.numbered_question(1)!r}: '?'"] * 20
