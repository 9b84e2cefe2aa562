"""One sequence for a pair: what chosen and rejected share is computed once, then each goes its own way.

Layout: the shared beginning, the rest of chosen, the rest of rejected. The two rests do not see each other, and both
count their positions from the end of the shared part, so every token gets the hidden state it would get alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from themis.prompting.chat import Chat

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class PackedPair:
    """Token ids of a pair: `prompt` and `shared` are lengths, `chosen` the full length of the chosen conversation."""

    ids: np.ndarray  # int32 [shared + rest of chosen + rest of rejected]
    prompt: int
    shared: int
    chosen: int

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def rejected(self) -> int:
        """Full length of the rejected conversation."""
        return len(self.ids) - self.chosen + self.shared


def pack(chat: Chat, system: str | None, user: str, chosen: str, rejected: str) -> PackedPair:
    """Pack one pair. Raises ForgedMarkup where a text holds special tokens."""
    prompt = chat.prompt(system, user)
    return pack_ids(chat.conversation(system, user, chosen), chat.conversation(system, user, rejected), len(prompt))


def pack_ids(chosen: Sequence[int], rejected: Sequence[int], prompt: int) -> PackedPair:
    """Pack two conversations that begin with the same `prompt` ids; each keeps at least one token of its own."""
    shared = 0
    for left, right in zip(chosen[:-1], rejected[:-1], strict=False):
        if left != right:
            break
        shared += 1
    ids = np.asarray([*chosen, *rejected[shared:]], dtype=np.int32)
    return PackedPair(ids=ids, prompt=prompt, shared=shared, chosen=len(chosen))


@dataclass(frozen=True)
class Batch:
    """Tensors of a batch of packed pairs, padded on the right to length L."""

    input_ids: torch.Tensor  # int64 [B, L]
    position_ids: torch.Tensor  # int64 [B, L]
    attention_mask: torch.Tensor  # bool [B, 1, L, L], true where attention is allowed
    last: torch.Tensor  # int64 [B, 2], where the chosen and the rejected conversation end
    completion: torch.Tensor  # bool [B, L], true at positions whose next token belongs to the chosen completion


def collate(pairs: Sequence[PackedPair], pad_id: int) -> Batch:
    """Batch packed pairs; a padded position attends to itself only, so no row of the mask is empty."""
    import torch

    length = max(len(pair) for pair in pairs)
    ids = torch.full((len(pairs), length), pad_id, dtype=torch.int64)
    positions = torch.zeros((len(pairs), length), dtype=torch.int64)
    mask = torch.zeros((len(pairs), 1, length, length), dtype=torch.bool)
    last = torch.zeros((len(pairs), 2), dtype=torch.int64)
    completion = torch.zeros((len(pairs), length), dtype=torch.bool)
    causal = torch.ones((length, length), dtype=torch.bool).tril()
    for row, pair in enumerate(pairs):
        size = len(pair)
        ids[row, :size] = torch.from_numpy(pair.ids.astype(np.int64))
        positions[row, : pair.chosen] = torch.arange(pair.chosen)
        positions[row, pair.chosen : size] = torch.arange(pair.shared, pair.rejected)
        mask[row, 0, :size, :size] = causal[:size, :size]
        mask[row, 0, pair.chosen : size, pair.shared : pair.chosen] = False
        mask[row, 0].diagonal().fill_(True)
        last[row, 0] = pair.chosen - 1
        last[row, 1] = size - 1
        completion[row, pair.prompt - 1 : pair.chosen - 1] = True
    return Batch(ids, positions, mask, last, completion)


def batches(lengths: Sequence[int], budget: int) -> Iterator[list[int]]:
    """Indices grouped so that rows times the longest stays within `budget` tokens; longest first, ties by position."""
    group: list[int] = []
    for index in sorted(range(len(lengths)), key=lambda i: (-lengths[i], i)):
        if group and lengths[group[0]] * (len(group) + 1) > budget:
            yield group
            group = []
        group.append(index)
    if group:
        yield group
