"""Hidden states at the end of both conversations of a pair: packed with a shared prefix, or one by one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from themis.prompting.packing import PackedPair, pack_ids

if TYPE_CHECKING:
    import torch

_PROBE = (range(3, 15), range(15, 21), range(21, 25))  # ids of a made-up prompt and two responses


def last_states(backbone: Any, pairs: Sequence[PackedPair], pad_id: int, *, share_prefix: bool) -> torch.Tensor:
    """Hidden states where chosen and rejected end, [pairs, 2, hidden]; the place is known by length, never searched.

    With `share_prefix`, what the two conversations of a pair share is computed once, under a 4D mask.
    """
    import torch

    with torch.inference_mode():
        return (_packed if share_prefix else _padded)(backbone, pairs, pad_id)


def cost(pair: PackedPair, *, share_prefix: bool) -> int:
    """Tokens of the batch row, or the two rows, that a pair takes."""
    return len(pair) if share_prefix else 2 * max(pair.chosen, pair.rejected)


def can_share_prefix(backbone: Any) -> bool:
    """Whether a backbone obeys a 4D mask and position ids.

    Not where a layer attends through a window or keeps a state, and not where a short probe gives other hidden states
    than the plain path.
    """
    import torch

    config = backbone.config.get_text_config()
    if set(getattr(config, "layer_types", None) or ("full_attention",)) != {"full_attention"}:
        return False
    if getattr(config, "sliding_window", None) and getattr(config, "use_sliding_window", True):
        return False
    prompt, chosen, rejected = ([token % config.vocab_size for token in part] for part in _PROBE)
    pair = pack_ids([*prompt, *chosen], [*prompt, *rejected], len(prompt))
    plain = last_states(backbone, [pair], 0, share_prefix=False)
    try:
        packed = last_states(backbone, [pair], 0, share_prefix=True)
    except (TypeError, ValueError, RuntimeError, IndexError):  # architectures refuse a 4D mask in their own ways
        return False
    tolerance = 1e-3 if plain.dtype == torch.float32 else 5e-2
    return bool((packed - plain).abs().max() <= tolerance * plain.abs().max())


def _packed(backbone: Any, pairs: Sequence[PackedPair], pad_id: int) -> torch.Tensor:
    import torch

    length = max(len(pair) for pair in pairs)
    ids = torch.full((len(pairs), length), pad_id, dtype=torch.int64)
    positions = torch.zeros((len(pairs), length), dtype=torch.int64)
    seen = torch.zeros((len(pairs), 1, length, length), dtype=torch.bool)
    last = torch.zeros((len(pairs), 2), dtype=torch.int64)
    causal = torch.ones((length, length), dtype=torch.bool).tril()
    for row, pair in enumerate(pairs):
        size = len(pair)
        ids[row, :size] = torch.from_numpy(pair.ids.astype(np.int64))
        positions[row, : pair.chosen] = torch.arange(pair.chosen)
        positions[row, pair.chosen : size] = torch.arange(pair.shared, pair.rejected)
        seen[row, 0, :size, :size] = causal[:size, :size]
        seen[row, 0, pair.chosen : size, pair.shared : pair.chosen] = False
        seen[row, 0].diagonal().fill_(True)  # padding sees itself, so that no row of the mask is empty
        last[row] = torch.tensor([pair.chosen - 1, size - 1])
    device, dtype = backbone.device, backbone.dtype
    mask = torch.zeros(seen.shape, dtype=dtype).masked_fill_(~seen, torch.finfo(dtype).min)
    hidden = backbone(
        input_ids=ids.to(device), position_ids=positions.to(device), attention_mask=mask.to(device), use_cache=False
    ).last_hidden_state
    return hidden[torch.arange(len(pairs), device=device)[:, None], last.to(device)]


def _padded(backbone: Any, pairs: Sequence[PackedPair], pad_id: int) -> torch.Tensor:
    import torch

    sequences = [
        part
        for pair in pairs
        for part in (pair.ids[: pair.chosen], np.delete(pair.ids, slice(pair.shared, pair.chosen)))
    ]
    lengths = torch.tensor([len(sequence) for sequence in sequences])
    ids = torch.full((len(sequences), int(lengths.max())), pad_id, dtype=torch.int64)
    for row, sequence in enumerate(sequences):
        ids[row, : len(sequence)] = torch.from_numpy(sequence.astype(np.int64))
    mask = (torch.arange(ids.shape[1])[None] < lengths[:, None]).long()
    device = backbone.device
    hidden = backbone(input_ids=ids.to(device), attention_mask=mask.to(device), use_cache=False).last_hidden_state
    return hidden[torch.arange(len(sequences), device=device), (lengths - 1).to(device)].view(len(pairs), 2, -1)
