"""Vision language models of several families, of a few thousand random weights, saved as the hub's are."""

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from transformers import (
    BartConfig,
    Blip2Config,
    Blip2ForConditionalGeneration,
    Blip2Processor,
    Blip2QFormerConfig,
    Blip2VisionConfig,
    CLIPImageProcessor,
    CLIPVisionConfig,
    Florence2Config,
    Florence2ForConditionalGeneration,
    Florence2Processor,
    Florence2VisionConfig,
    Gemma3Config,
    Gemma3ForConditionalGeneration,
    Gemma3ImageProcessor,
    Gemma3Processor,
    Gemma3TextConfig,
    LlamaConfig,
    LlavaConfig,
    LlavaForConditionalGeneration,
    LlavaProcessor,
    OPTConfig,
    PreTrainedTokenizerFast,
    Qwen2VLConfig,
    Qwen2VLForConditionalGeneration,
    Qwen2VLImageProcessor,
    Qwen2VLProcessor,
    Qwen2VLVideoProcessor,
    SiglipVisionConfig,
)

SIZE, PATCH = 32, 16
SCALE = 0.5  # of the weights
VISION = {"hidden_size": 16, "intermediate_size": 16, "num_attention_heads": 2, "image_size": SIZE, "patch_size": PATCH}
TEXT = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "max_position_embeddings": 512}
ENDS = {"pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 2}
CHAT_TEMPLATE = """\
{% for message in messages %}{{ message['role'] }}: {% for part in message['content'] %}\
{% if part['type'] == 'image' %}IMAGE{% else %}{{ part['text'] }}{% endif %} {% endfor %}\
{% endfor %}{% if add_generation_prompt %}assistant:{% endif %}"""


def tokenizer(*special: str, **named: str) -> PreTrainedTokenizerFast:
    """Every byte a token, after <pad>, <s>, </s>, <image> and other special ones; named: those a processor needs."""
    specials = list(dict.fromkeys(["<pad>", "<s>", "</s>", "<image>", *special, *named.values()]))
    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    words = {token: index for index, token in enumerate([*specials, *letters])}
    byte_level = Tokenizer(models.BPE(vocab=words, merges=[]))
    byte_level.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    byte_level.decoder = decoders.ByteLevel()
    byte_level.add_special_tokens(specials)
    return PreTrainedTokenizerFast(
        tokenizer_object=byte_level,
        pad_token="<pad>",
        bos_token="<s>",
        eos_token="</s>",
        extra_special_tokens=named or specials[3:],
    )


def image_processor() -> CLIPImageProcessor:
    return CLIPImageProcessor(size={"shortest_edge": SIZE}, crop_size={"height": SIZE, "width": SIZE})


def save_weights(model, folder):
    """Save a model whose weights are large enough to tell one question from another, and which does not end at once."""
    for weights in model.parameters():
        if weights.ndim > 1:
            torch.nn.init.normal_(weights, std=SCALE)
    model.generation_config.suppress_tokens = list(range(4))
    model.save_pretrained(folder)


def save_llava(folder, chat_template=None):
    words = tokenizer()
    config = LlavaConfig(
        vision_config=CLIPVisionConfig(num_hidden_layers=2, **VISION),
        text_config=LlamaConfig(vocab_size=len(words), intermediate_size=16, **TEXT, **ENDS),
        image_token_index=words.convert_tokens_to_ids("<image>"),
    )
    save_weights(LlavaForConditionalGeneration(config), folder)
    layout = {"patch_size": PATCH, "vision_feature_select_strategy": "default", "num_additional_image_tokens": 1}
    LlavaProcessor(image_processor(), words, chat_template=chat_template, **layout).save_pretrained(folder)


def save_llava_with_template(folder):
    save_llava(folder, CHAT_TEMPLATE.replace("IMAGE", "<image>"))


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
    save_weights(Blip2ForConditionalGeneration(config), folder)
    Blip2Processor(image_processor(), words, num_query_tokens=4).save_pretrained(folder)


def save_qwen2_vl(folder):
    words = tokenizer("<|vision_start|>", "<|vision_end|>", "<|video_pad|>", image_token="<|image_pad|>")
    config = Qwen2VLConfig(
        vision_config={"depth": 1, "embed_dim": 16, "hidden_size": 16, "num_heads": 2, "mlp_ratio": 1, "patch_size": 8},
        text_config={
            "vocab_size": len(words),
            "intermediate_size": 16,
            "num_key_value_heads": 2,
            "rope_parameters": {"rope_type": "default", "rope_theta": 1e4, "mrope_section": [1, 1, 2]},
            **TEXT,
            **ENDS,
        },
        **{
            f"{name}_token_id": words.convert_tokens_to_ids(token)
            for name, token in {
                "image": "<|image_pad|>",
                "video": "<|video_pad|>",
                "vision_start": "<|vision_start|>",
                "vision_end": "<|vision_end|>",
            }.items()
        },
    )
    save_weights(Qwen2VLForConditionalGeneration(config), folder)
    pixels = {"patch_size": 8, "size": {"shortest_edge": SIZE**2, "longest_edge": SIZE**2}}
    template = CHAT_TEMPLATE.replace("IMAGE", "<|vision_start|><|image_pad|><|vision_end|>")
    videos = Qwen2VLVideoProcessor(**pixels)
    Qwen2VLProcessor(Qwen2VLImageProcessor(**pixels), words, videos, chat_template=template).save_pretrained(folder)


def save_gemma3(folder):
    words = tokenizer(image_token="<image>", boi_token="<boi>", eoi_token="<eoi>")
    config = Gemma3Config(
        vision_config=SiglipVisionConfig(num_hidden_layers=1, **VISION).to_dict(),
        text_config=Gemma3TextConfig(
            vocab_size=len(words), intermediate_size=16, num_key_value_heads=1, head_dim=8, **TEXT, **ENDS
        ),
        mm_tokens_per_image=4,
        tie_word_embeddings=False,
        boi_token_index=words.convert_tokens_to_ids("<boi>"),
        eoi_token_index=words.convert_tokens_to_ids("<eoi>"),
        image_token_index=words.convert_tokens_to_ids("<image>"),
    )
    save_weights(Gemma3ForConditionalGeneration(config), folder)
    images = Gemma3ImageProcessor(size={"height": SIZE, "width": SIZE})
    template = CHAT_TEMPLATE.replace("IMAGE", "<boi>")
    Gemma3Processor(images, words, chat_template=template, image_seq_length=4).save_pretrained(folder)


def save_florence2(folder):
    words = tokenizer(image_token="<image>")
    vision = Florence2VisionConfig(
        depths=[1, 1], embed_dim=[8, 16], num_heads=[1, 2], num_groups=[1, 2], window_size=2, projection_dim=16,
        patch_size=[7, 3], patch_stride=[4, 2], patch_padding=[3, 1], patch_prenorm=[False, True],
    )  # fmt: skip
    text = BartConfig(
        vocab_size=len(words), d_model=16, encoder_layers=1, decoder_layers=1, encoder_ffn_dim=16, decoder_ffn_dim=16,
        encoder_attention_heads=2, decoder_attention_heads=2, max_position_embeddings=512, decoder_start_token_id=2,
        forced_eos_token_id=None, **ENDS,
    )  # fmt: skip
    image_token = words.convert_tokens_to_ids("<image>")
    config = Florence2Config(vision_config=vision, text_config=text.to_dict(), image_token_id=image_token)
    save_weights(Florence2ForConditionalGeneration(config), folder)
    images = image_processor()
    images.image_seq_length = (SIZE // 8) ** 2 + 1  # of 4 x 4 places, and one for all of them
    Florence2Processor(images, words).save_pretrained(folder)


SAVED_BY = {
    "llava": save_llava,
    "llava with a template": save_llava_with_template,
    "blip-2": save_blip2,
    "qwen2-vl": save_qwen2_vl,
    "gemma3": save_gemma3,
    "florence2": save_florence2,
}


def save(family, folder):
    """Save a model of a family, with the same weights each time."""
    torch.manual_seed(0)
    SAVED_BY[family](folder)
    return folder
