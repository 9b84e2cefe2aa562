"""Token ids as the published runs had them: the template's text, tokenised once more, cut at its end."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase


def published_ids(
    tokenizer: PreTrainedTokenizerBase,
    system: str | None,
    prompt: str,
    response: str,
    suffix: Sequence[int],
    max_tokens: int,
) -> tuple[list[int], bool]:
    """Ids of a conversation in the published protocol (reference, section 1.9), and whether its end was cut off.

    The tokenizer adds its special tokens to a text that holds the template's already: two BOS where it adds one. A
    special token in a text is taken as one. What is cut is the end, the suffix included.
    """
    text = _text(tokenizer, system, prompt, response) + "".join(tokenizer.convert_ids_to_tokens(list(suffix)))
    longest = min(max_tokens, tokenizer.model_max_length)
    ids = tokenizer(text, verbose=False)["input_ids"]
    if len(ids) <= longest:
        return ids, False
    return tokenizer(text, truncation=True, max_length=longest)["input_ids"], True


def _text(tokenizer: PreTrainedTokenizerBase, system: str | None, prompt: str, response: str) -> str:
    messages = [{"role": "user", "content": prompt}, {"role": "assistant", "content": response}]
    if system is not None:
        messages.insert(0, {"role": "system", "content": system})
    try:
        return str(tokenizer.apply_chat_template(messages, tokenize=False))
    except Exception:  # no template, or one that refuses a role by raising whatever it likes
        if system is None:
            return f"User: {prompt}\nAssistant: {response}"
        return f"System:\n{system}\n\nUser:\n{prompt}\n\nAssistant:\n{response}"
