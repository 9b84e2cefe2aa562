"""Hidden states at chosen places of both conversations of a pair: packed without padding, or padded to the longest."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import torch
from transformers import PreTrainedModel

from themis.errors import Problem
from themis.prompting import attention
from themis.prompting.packing import PackedPair, batches, collate, pack_ids, packed_batches

Places = tuple[int, ...]  # positions in a conversation

_PROBE = (range(3, 15), range(15, 21), range(21, 25))  # ids of a made-up prompt and two responses
_PACKABLE = {"full_attention", "sliding_attention"}


def states_at(
    backbone: Any, pairs: Sequence[PackedPair], places: Sequence[tuple[Places, Places]], *, packed: bool
) -> torch.Tensor:
    """Hidden states at the places of chosen and rejected, as many in each, [pairs, 2, places, hidden].

    `packed`: all pairs in one row without padding, for a backbone that `can_pack`.
    """
    with torch.inference_mode():
        return (_packed if packed else _padded)(backbone, pairs, places)


def conversations(pair: PackedPair) -> tuple[np.ndarray, np.ndarray]:
    """Ids of the chosen and of the rejected conversation."""
    return pair.ids[: pair.chosen], np.delete(pair.ids, slice(pair.shared, pair.chosen))


def alike(pair: PackedPair) -> bool:
    """Whether both conversations are the same one, whose score rounding must not make two of."""
    return np.array_equal(pair.ids[pair.shared : pair.chosen], pair.ids[pair.chosen :])


def cost(pair: PackedPair, *, packed: bool) -> int:
    """Tokens that a pair takes: in the row of all, or in two rows of its own."""
    return len(pair) if packed else 2 * max(pair.chosen, pair.rejected)


def groups(pairs: Sequence[PackedPair], budget: int, *, packed: bool) -> Iterator[list[int]]:
    """Indices of pairs that are computed together within `budget` tokens; the longest first, ties by position."""
    return (packed_batches if packed else batches)([cost(pair, packed=packed) for pair in pairs], budget)


def can_pack(backbone: Any) -> bool:
    """Whether a backbone computes packed pairs, which it is set to do then.

    Not where a layer keeps a state or has attention of its own kind, and not where a short probe gives other hidden
    states than the padded path.
    """
    if not isinstance(backbone, PreTrainedModel) or not _attends_as_usual(backbone):
        return False
    vocabulary = backbone.config.get_text_config().vocab_size
    prompt, chosen, rejected = ([token % vocabulary for token in part] for part in _PROBE)
    probe = [pack_ids([*prompt, *chosen], [*prompt, *rejected], len(prompt))]
    ends = [((probe[0].chosen - 1,), (probe[0].rejected - 1,))]
    plain = states_at(backbone, probe, ends, packed=False)
    before = backbone.config._attn_implementation
    try:
        attention.register()
        backbone.set_attn_implementation(attention.NAME)
        packed = states_at(backbone, probe, ends, packed=True)
    except (Problem, AssertionError, TypeError, ValueError, RuntimeError, IndexError):
        packed = None  # architectures that pass on no segments refuse in their own ways
    tolerance = 1e-3 if plain.dtype == torch.float32 else 5e-2
    if packed is not None and (packed - plain).abs().max() <= tolerance * plain.abs().max():
        return True
    backbone.set_attn_implementation(before)
    return False


def _attends_as_usual(backbone: PreTrainedModel) -> bool:
    layers = set(getattr(backbone.config.get_text_config(), "layer_types", None) or _PACKABLE)
    return layers <= _PACKABLE and not any(name.endswith(".sinks") for name, _ in backbone.named_parameters())


def _packed(backbone: Any, pairs: Sequence[PackedPair], places: Sequence[tuple[Places, Places]]) -> torch.Tensor:
    batch = collate(pairs).to(backbone.device)
    hidden = backbone(
        input_ids=batch.input_ids, position_ids=batch.position_ids, use_cache=False, segments=batch.segments
    ).last_hidden_state[0]
    rows, start = [], 0
    for pair, (chosen, rejected) in zip(pairs, places, strict=True):
        rest = pair.chosen - pair.shared  # of chosen, which lies between the shared part and the rest of rejected
        rows.append([start + place for place in chosen])
        rows.append([start + place + (rest if place >= pair.shared else 0) for place in rejected])
        start += len(pair)
    return hidden[torch.tensor(rows, device=hidden.device)].unflatten(0, (-1, 2))


def _padded(backbone: Any, pairs: Sequence[PackedPair], places: Sequence[tuple[Places, Places]]) -> torch.Tensor:
    sequences = [part for pair in pairs for part in conversations(pair)]
    lengths = torch.tensor([len(sequence) for sequence in sequences])
    ids = torch.zeros((len(sequences), int(lengths.max())), dtype=torch.int64)
    for row, sequence in enumerate(sequences):
        ids[row, : len(sequence)] = torch.from_numpy(sequence.astype(np.int64))
    mask = (torch.arange(ids.shape[1])[None] < lengths[:, None]).long()
    device = backbone.device
    hidden = backbone(input_ids=ids.to(device), attention_mask=mask.to(device), use_cache=False).last_hidden_state
    rows = torch.tensor([side for pair in places for side in pair], device=hidden.device)
    return hidden[torch.arange(len(rows), device=hidden.device)[:, None], rows].unflatten(0, (-1, 2))
