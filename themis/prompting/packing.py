"""One sequence for a pair: what chosen and rejected share is computed once, then each goes its own way.

Layout: the shared beginning, the rest of chosen, the rest of rejected. The two rests do not see each other, and both
count their positions from the end of the shared part, so every token gets the hidden state it would get alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
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


def unshare(pair: PackedPair) -> PackedPair:
    """The same pair with nothing in common: both conversations whole, one after the other."""
    ids = np.concatenate([pair.ids[: pair.chosen], pair.ids[: pair.shared], pair.ids[pair.chosen :]])
    return PackedPair(ids=ids, prompt=pair.prompt, shared=0, chosen=pair.chosen)


@dataclass(frozen=True)
class Segments:
    """Which tokens of a batch see which: of each pair, chosen sees itself; the rest of rejected sees the shared part too.

    Two queries a pair, chosen and rest, causal from the end: the last token of a query sees all of its keys.
    """

    sizes: tuple[tuple[int, int, int], ...]  # shared, chosen, rest of rejected; tokens of each pair
    keys: torch.Tensor  # int64 [keys], which tokens the keys of all queries are, one after the other
    query_ends: torch.Tensor  # int32 [2B + 1], where each query begins and ends in the batch
    key_ends: torch.Tensor  # int32 [2B + 1], likewise in `keys`
    longest: int  # tokens of the longest list of keys

    def to(self, device: torch.device) -> Segments:
        """The same on a device."""
        moved = {name: getattr(self, name).to(device) for name in ("keys", "query_ends", "key_ends")}
        return replace(self, **moved)


@dataclass(frozen=True)
class Batch:
    """A batch of B packed pairs in one row of T tokens without padding."""

    input_ids: torch.Tensor  # int64 [1, T]
    position_ids: torch.Tensor  # int64 [1, T]
    last: torch.Tensor  # int64 [B, 2], where the chosen and the rejected conversation end in the row
    completion: torch.Tensor  # int64, positions whose next token belongs to a chosen completion
    segments: Segments

    def to(self, device: torch.device) -> Batch:
        """The same on a device."""
        return Batch(**{name: value.to(device) for name, value in vars(self).items()})


def collate(pairs: Sequence[PackedPair]) -> Batch:
    """Batch packed pairs, one after the other."""
    import torch

    positions, last, completion, keys, query_sizes, key_sizes = [], [], [], [], [0], [0]
    start = 0
    for pair in pairs:
        whole, rest = torch.arange(pair.chosen), torch.arange(pair.chosen, len(pair))
        positions += [whole, torch.arange(pair.shared, pair.rejected)]
        last.append((start + pair.chosen - 1, start + len(pair) - 1))
        completion.append(start + torch.arange(pair.prompt - 1, pair.chosen - 1))
        keys += [start + whole, start + whole[: pair.shared], start + rest]
        query_sizes += [pair.chosen, len(rest)]
        key_sizes += [pair.chosen, pair.rejected]
        start += len(pair)
    ids = np.concatenate([pair.ids for pair in pairs]).astype(np.int64)
    segments = Segments(
        sizes=tuple((pair.shared, pair.chosen, len(pair) - pair.chosen) for pair in pairs),
        keys=torch.cat(keys),
        query_ends=torch.tensor(query_sizes).cumsum(0).int(),
        key_ends=torch.tensor(key_sizes).cumsum(0).int(),
        longest=max(key_sizes),
    )
    return Batch(
        input_ids=torch.from_numpy(ids)[None],
        position_ids=torch.cat(positions)[None],
        last=torch.tensor(last),
        completion=torch.cat(completion),
        segments=segments,
    )


def packed_batches(lengths: Sequence[int], budget: int) -> Iterator[list[int]]:
    """Indices grouped so that a group's tokens stay within `budget`; longest first, ties by position."""
    group: list[int] = []
    tokens = 0
    for index in _longest_first(lengths):
        if group and tokens + lengths[index] > budget:
            yield group
            group, tokens = [], 0
        group.append(index)
        tokens += lengths[index]
    if group:
        yield group


def batches(lengths: Sequence[int], budget: int) -> Iterator[list[int]]:
    """Indices grouped so that rows padded to the longest stay within `budget` tokens; longest first, ties by position."""
    group: list[int] = []
    for index in _longest_first(lengths):
        if group and lengths[group[0]] * (len(group) + 1) > budget:
            yield group
            group = []
        group.append(index)
    if group:
        yield group


def _longest_first(lengths: Sequence[int]) -> list[int]:
    return sorted(range(len(lengths)), key=lambda i: (-lengths[i], i))
