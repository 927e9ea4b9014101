"""What a prompt may be, and which of its words the text encoder never gets."""

import unicodedata
from typing import TYPE_CHECKING

from s2i.core.errors import UserError

if TYPE_CHECKING:  # transformers takes seconds to import
    from transformers import PreTrainedTokenizerBase

MAX_WORDS = 75  # each is a token or more, and a text encoder takes 77 with the two at the ends
MAX_CHARACTERS = 2000  # the text encoder reads a few hundred of them


def checked(prompt: str, name: str = "prompt") -> str:
    """The prompt on one line; name: what sentences call it.

    Raises UserError when it is longer than `MAX_CHARACTERS`, or holds control characters.
    """
    if problem := unusable(prompt):
        raise UserError(f"the {name} {problem}.")
    return " ".join(prompt.split())


def unusable(text: str) -> str:
    """What makes a text no prompt and no part of one, as the end of a sentence; "" where nothing does."""
    if len(text) > MAX_CHARACTERS:
        return f"has {len(text):,} characters; keep it under {MAX_CHARACTERS:,}"
    for letter in " ".join(text.split()):
        if unicodedata.category(letter) in ("Cc", "Cs", "Co", "Cn"):
            return f"holds the control character U+{ord(letter):04X}; remove it"
    return ""


def dropped_words(prompt: str, tokenizer: "PreTrainedTokenizerBase") -> str:
    """The end of a prompt that lies beyond the tokens that the text encoder takes; "" if it takes all."""
    encoded = tokenizer(prompt, add_special_tokens=False, return_offsets_mapping=True, verbose=False)
    room = tokenizer.model_max_length - tokenizer.num_special_tokens_to_add()
    if len(encoded["input_ids"]) <= room:
        return ""
    start, _ = encoded["offset_mapping"][room]
    return prompt[prompt.rfind(" ", 0, start + 1) + 1 :]


def warning(prompt: str, negative_prompt: str, tokenizer: "PreTrainedTokenizerBase") -> str:
    """One sentence about the words that are dropped of each of the two; "" where there are none."""
    limit = tokenizer.model_max_length
    sentences = []
    for name, text in (("prompt", prompt), ("negative prompt", negative_prompt)):
        if words := dropped_words(text, tokenizer):
            sentences.append(f'the {name} is over {limit} tokens; dropped were the words: "{words}".')
    return " ".join(sentences)
