"""The embedded CLIP tokenizer and text encoder."""

import gzip

from transformers import CLIPTextConfig, CLIPTextModel, CLIPTokenizer
from transformers.convert_slow_tokenizer import bytes_to_unicode

from s2i.embedded.pretraining.params import Text
from s2i.networks import weights


def build_tokenizer(merges: int) -> CLIPTokenizer:
    """CLIP's own byte-pair encoding, cut after its most frequent ``merges``: every text still has tokens."""
    with gzip.open(weights.path("bpe_simple_vocab_16e6.txt.gz"), "rt", encoding="utf-8") as file:
        pairs = [tuple(line.split()) for line in file.read().split("\n")[1 : merges + 1]]
    letters = list(bytes_to_unicode().values())
    tokens = letters + [letter + "</w>" for letter in letters] + ["".join(pair) for pair in pairs]
    vocabulary = {token: index for index, token in enumerate([*tokens, "<|startoftext|>", "<|endoftext|>"])}
    return CLIPTokenizer(vocab=vocabulary, merges=pairs, model_max_length=77)


def build_text_encoder(tokenizer: CLIPTokenizer, settings: Text) -> CLIPTextModel:
    """A fresh CLIP text encoder of the given size for the tokenizer."""
    return CLIPTextModel(
        CLIPTextConfig(
            vocab_size=len(tokenizer),
            hidden_size=settings.width,
            projection_dim=settings.width,
            intermediate_size=4 * settings.width,
            num_hidden_layers=settings.layers,
            num_attention_heads=settings.heads,
            max_position_embeddings=tokenizer.model_max_length,
            bos_token_id=tokenizer.bos_token_id,
            eos_token_id=tokenizer.eos_token_id,
            pad_token_id=tokenizer.pad_token_id,
        )
    )
