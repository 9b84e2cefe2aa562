"""Does a pair fit a model's input: its exact number of tokens by the chat template, and no special token in its texts."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import polars as pl

from themis.prompting.chat import Chat

TOO_LONG = "too long"
FORGED = "special token in the text"

_ENCODED = 1 << 18  # characters encoded at a time: the tokenizer needs some fifty bytes for each
_TEXTS = ("system", "input", "chosen", "rejected")


@dataclass(frozen=True)
class _Conversation:
    """A chat as text, cut at its special tokens: no token reaches over one."""

    row: int
    special: int  # tokens
    others: list[str]  # pieces that hold nothing of the reply
    head: str  # what comes before the reply in its piece
    reply: str


class Fit:
    """The limit of one model: so many tokens by its chat template. Rows are frames with system, input, chosen, rejected."""

    def __init__(self, chat: Chat, max_tokens: int) -> None:
        from tokenizers import Tokenizer

        self._chat, self._max_tokens = chat, max_tokens
        described = chat.tokenizer.backend_tokenizer.to_str()
        self._tokens_per_byte = _most_tokens_per_byte(json.loads(described))
        self._tokenizer = Tokenizer.from_str(described)  # its own: others set truncation and padding on theirs
        self._tokenizer.no_truncation()
        self._tokenizer.no_padding()
        self._special = re.compile("|".join(map(re.escape, sorted(chat.special_tokens, key=len, reverse=True))))

    def forged(self, rows: pl.DataFrame) -> np.ndarray:
        """In which rows a text holds one of the tokenizer's special tokens, bool [N]."""
        held = [pl.col(name).str.contains_any(list(self._chat.special_tokens)) for name in _TEXTS]
        return rows.select(pl.any_horizontal(held).fill_null(False)).to_series().to_numpy()

    def too_long(self, rows: pl.DataFrame) -> np.ndarray:
        """In which rows the chat with either response is of more tokens than the limit, bool [N].

        The number is that of `Chat.conversation`, which raises ForgedMarkup on rows that are `forged`. Where the tokens
        are made of bytes, a reply whose bytes show that it fits is not encoded, and the others are in batches.
        """
        long = np.zeros(rows.height, bool)
        if not self._tokens_per_byte:
            for at, (system, prompt, *replies) in enumerate(rows.select(_TEXTS).iter_rows()):
                lengths = (len(self._chat.conversation(system, prompt, reply)) for reply in replies)
                long[at] = any(length > self._max_tokens for length in lengths)
            return long
        chats = list(self._conversations(rows))
        lengths = self._lengths({piece for chat in chats for piece in (*chat.others, chat.head)})
        waiting = []
        for chat in chats:
            left = self._max_tokens - chat.special - sum(lengths[piece] for piece in (*chat.others, chat.head))
            if left < 0:
                long[chat.row] = True
            elif self._tokens_per_byte * len(chat.reply.encode()) > left:
                waiting.append((chat, left))
        replies = self._reply_lengths([chat for chat, _ in waiting])
        for (chat, left), length in zip(waiting, replies, strict=True):
            long[chat.row] |= length > left
        return long

    def _conversations(self, rows: pl.DataFrame) -> Iterator[_Conversation]:
        for at, (system, prompt, *replies) in enumerate(rows.select(_TEXTS).iter_rows()):
            before, chats = self._chat.texts(system, prompt, replies)
            place = len(self._special.findall(before))
            start = len(self._special.split(before)[-1])
            for chat in chats:
                pieces = self._special.split(chat)
                own = pieces.pop(place)
                yield _Conversation(at, len(pieces), pieces, own[:start], own[start:])

    def _reply_lengths(self, chats: list[_Conversation]) -> Iterator[int]:
        """Tokens that each reply adds; one that changes the tokens before it is encoded by itself."""
        heads = {head: self._tokenizer.encode(head, add_special_tokens=False).ids for head in {c.head for c in chats}}
        encoded = self._encoded(chat.head + chat.reply for chat in chats)
        for chat, whole in zip(chats, encoded, strict=True):
            head = heads[chat.head]
            if whole.ids[: len(head)] == head:
                yield len(whole) - len(head)
            else:
                yield len(self._tokenizer.encode(chat.reply, add_special_tokens=False))

    def _lengths(self, pieces: Iterable[str]) -> dict[str, int]:
        pieces = list(pieces)
        return {piece: len(one) for piece, one in zip(pieces, self._encoded(pieces), strict=True)}

    def _encoded(self, texts: Iterable[str]) -> Iterator:
        """The encodings of the texts, of which some are held at a time."""
        waiting, size = [], 0
        for text in texts:
            waiting.append(text)
            size += len(text)
            if size >= _ENCODED:
                yield from self._tokenizer.encode_batch_fast(waiting, add_special_tokens=False)
                waiting, size = [], 0
        yield from self._tokenizer.encode_batch_fast(waiting, add_special_tokens=False)


def _most_tokens_per_byte(tokenizer: dict) -> int | None:
    """How many tokens a byte of text can become at most: one where tokens are made of bytes, three where the text is
    composed first (NFC makes UTF-8 up to three times as long, Unicode Annex 15), else None.

    None also where the pieces between special tokens are not encoded each by itself.
    """
    steps = tokenizer["pre_tokenizer"] or {}
    steps = steps.get("pretokenizers", [steps])
    if "ByteLevel" not in {step.get("type") for step in steps} or any(step.get("add_prefix_space") for step in steps):
        return None
    if any(token["lstrip"] or token["rstrip"] or token["single_word"] for token in tokenizer["added_tokens"]):
        return None
    return {None: 1, "NFC": 3}.get((tokenizer["normalizer"] or {}).get("type"))
