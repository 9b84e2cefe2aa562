"""Does a pair fit a model's input: its exact number of tokens by the chat template."""

from __future__ import annotations

from themis.prompting.chat import Chat, ForgedMarkup

TOO_LONG = "too long"
FORGED = "special token in the text"


def misfit(chat: Chat, system: str | None, prompt: str, chosen: str, rejected: str, max_tokens: int) -> str | None:
    """Why a pair cannot be used: its chat with the longer response exceeds `max_tokens`, or a text holds a special
    token of the tokenizer; None where it can."""
    try:
        for response in (chosen, rejected):
            if len(chat.conversation(system, prompt, response)) > max_tokens:
                return TOO_LONG
    except ForgedMarkup:
        return FORGED
    return None
