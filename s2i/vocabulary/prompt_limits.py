"""What a prompt may be, and which of its words the text encoder never gets."""

import unicodedata
from typing import TYPE_CHECKING

from s2i.core.errors import UserError

if TYPE_CHECKING:  # transformers takes seconds to import
    from transformers import PreTrainedTokenizerBase

MAX_CHARACTERS = 2000  # the text encoder reads a few hundred of them


def checked(prompt: str) -> str:
    """The prompt on one line.

    Raises UserError when it is longer than `MAX_CHARACTERS`, or holds control characters.
    """
    if len(prompt) > MAX_CHARACTERS:
        raise UserError(f"the prompt has {len(prompt):,} characters; keep it under {MAX_CHARACTERS:,}.")
    prompt = " ".join(prompt.split())
    for letter in prompt:
        if unicodedata.category(letter) in ("Cc", "Cs", "Co", "Cn"):
            raise UserError(f"the prompt holds the control character U+{ord(letter):04X}; remove it.")
    return prompt


def dropped_words(prompt: str, tokenizer: "PreTrainedTokenizerBase") -> str:
    """The end of a prompt that lies beyond the tokens that the text encoder takes; "" if it takes all."""
    encoded = tokenizer(prompt, add_special_tokens=False, return_offsets_mapping=True, verbose=False)
    room = tokenizer.model_max_length - tokenizer.num_special_tokens_to_add()
    if len(encoded["input_ids"]) <= room:
        return ""
    start, _ = encoded["offset_mapping"][room]
    return prompt[prompt.rfind(" ", 0, start + 1) + 1 :]


def warning(prompt: str, tokenizer: "PreTrainedTokenizerBase") -> str:
    """One sentence about the words that are dropped; "" where there are none."""
    words = dropped_words(prompt, tokenizer)
    return words and f'the prompt is over {tokenizer.model_max_length} tokens; dropped were the words: "{words}".'
