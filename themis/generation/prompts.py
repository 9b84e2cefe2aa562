"""From a request to what a model of this machine reads: token ids of its prompt, of its options, and of what ends a reply."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from themis.errors import Problem
from themis.generation.protocol import Request
from themis.prompting.chat import Chat, ForgedMarkup


class Refused(ValueError):
    """A request that is not put to the model; the message is the reason why its answer is missing."""


def prompt_ids(chat: Chat, request: Request, context: float, weighing: int = 0) -> list[int]:
    """Token ids of the chat; with its reply (`weighing` tokens where options are weighed) they fit into `context` tokens.

    Raises Refused where a text holds special tokens or the prompt is too long, ValueError where nothing is asked for.
    """
    if not request.options and request.max_new_tokens < 1:
        raise ValueError(f"request {request.key} has neither options nor max_new_tokens")
    try:
        ids = chat.prompt(request.system, request.user, request.turns, thinking=request.thinking)
    except ForgedMarkup:
        raise Refused("special token in the text") from None
    if len(ids) + (weighing if request.options else request.max_new_tokens) > context:
        raise Refused("prompt too long")
    return ids


def option_ids(chat: Chat, options: Sequence[str]) -> list[int]:
    """The first token of each option. Raises Problem where two begin with the same one."""
    ids = [chat.tokenizer.encode(option, add_special_tokens=False)[0] for option in options]
    if len(set(ids)) < len(ids):
        name = chat.tokenizer.name_or_path
        raise Problem(f"{name}: its tokenizer begins two of the options {', '.join(options)} with the same token")
    return ids


def stop_ids(chat: Chat, folder: Path) -> frozenset[int]:
    """What ends a reply: the end tokens of the checkpoint in `folder`, and any special token, which would open a turn."""
    from transformers import AutoConfig, GenerationConfig

    try:
        end = GenerationConfig.from_pretrained(folder, local_files_only=True).eos_token_id
    except OSError:  # no generation_config.json: then the model's own
        end = AutoConfig.from_pretrained(folder, local_files_only=True, trust_remote_code=False).eos_token_id
    ends = end if isinstance(end, list) else [end]
    return frozenset({*chat.tokenizer.all_special_ids, *(token for token in ends if token is not None)})
