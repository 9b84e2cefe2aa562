"""Attention over packed pairs without padding or mask: a rejected response sees the shared part, not the chosen rest.

On GPUs one variable-length flash kernel does a whole batch in half precision; elsewhere it is a product after the
other, pair by pair.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import torch

from themis.errors import Problem
from themis.prompting.packing import Segments

NAME = "themis_packed"

_ROWS = 256  # queries at a time: what they see is held for the backward pass, what they do not see is not computed


def register() -> None:
    """Make it known to transformers as `attn_implementation=NAME`; models pass `segments` through to it."""
    from transformers import AttentionInterface

    AttentionInterface.register(NAME, packed_attention)


def packed_attention(
    module: torch.nn.Module,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: None = None,
    *,
    segments: Segments | None = None,
    scaling: float | None = None,
    softcap: float | None = None,
    sliding_window: int | None = None,
    **_: Any,
) -> tuple[torch.Tensor, None]:
    """Outputs [1, T, heads, D] of queries [1, heads, T, D] and keys and values [1, key heads, T, D].

    Raises Problem where the model does not hand its attention what it was given.
    """
    if segments is None:
        raise Problem(
            f"{type(module).__name__} is not told which tokens belong together: transformers does not pass it on"
        )
    assert attention_mask is None, "packed pairs need no mask"
    if query.is_cuda and softcap is None and query.dtype != torch.float32:  # the kernel knows half precision only
        return _flash(query, key, value, segments, scaling, sliding_window), None
    return _pair_by_pair(query, key, value, segments, scaling, softcap, sliding_window), None


def _flash(
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    segments: Segments,
    scaling: float | None,
    window: int | None,
) -> torch.Tensor:
    from torch.nn.attention.varlen import varlen_attn

    queries, keys, values = (tensor[0].transpose(0, 1) for tensor in (query, key, value))
    out = varlen_attn(
        queries.contiguous(),
        keys.index_select(0, segments.keys),
        values.index_select(0, segments.keys),
        segments.query_ends,
        segments.key_ends,
        segments.longest,
        segments.longest,
        scale=scaling,
        window_size=(window - 1 if window else -1, 0),
        enable_gqa=query.shape[1] != key.shape[1],
    )
    return out[None]


def _pair_by_pair(
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    segments: Segments,
    scaling: float | None,
    softcap: float | None,
    window: int | None,
) -> torch.Tensor:
    # One split, not a slice a pair: the gradient of a slice is as large as the whole tensor.
    cuts = [size for _, chosen, rest in segments.sizes for size in (chosen, rest)]
    queries, keys, values = (tensor.split(cuts, dim=2) for tensor in (query, key, value))
    outputs = []
    for number, (shared, _, _) in enumerate(segments.sizes):
        one, other = 2 * number, 2 * number + 1
        outputs.append(_attend(queries[one], keys[one], values[one], scaling, softcap, window))
        seen = [torch.cat([part[one][:, :, :shared], part[other]], dim=2) for part in (keys, values)]
        outputs.append(_attend(queries[other], *seen, scaling, softcap, window))
    return torch.cat(outputs, dim=2).transpose(1, 2)


def _attend(
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    scaling: float | None,
    softcap: float | None,
    window: int | None,
) -> torch.Tensor:
    """Causal from the end: the last query sees every key, or the last `window` of them.

    Some rows of queries at a time, all heads that share a key head in one product: twice as fast as torch's own
    attention for the lengths of code, whose kernel for processors takes head after head.
    """
    heads, size, width = query.shape[1:]
    groups = heads // key.shape[1]
    scale = width**-0.5 if scaling is None else scaling
    behind = key.shape[2] - size
    outputs = []
    start = 0
    for rows in query[0].unflatten(0, (-1, groups)).split(_ROWS, dim=2):
        end = start + rows.shape[2]
        first = max(behind + start - window + 1, 0) if window else 0
        keys, values = (part[0, :, first : behind + end] for part in (key, value))
        mask = _mask(end - start, keys.shape[1], window, groups, query.dtype, query.device)
        mask = mask.expand(len(keys), -1, -1)
        asked = rows.flatten(1, 2)
        if softcap is None:
            logits = torch.baddbmm(mask, asked, keys.transpose(1, 2), alpha=scale)
        else:
            logits = mask + softcap * torch.tanh(torch.bmm(asked, keys.transpose(1, 2)) * (scale / softcap))
        found = torch.bmm(logits.softmax(dim=-1), values)
        outputs.append(found.unflatten(1, (groups, -1)))
        start = end
    return torch.cat(outputs, dim=2).flatten(0, 1)[None]


@lru_cache(maxsize=32)
def _mask(
    rows: int, columns: int, window: int | None, groups: int, dtype: torch.dtype, device: torch.device
) -> torch.Tensor:
    """What to add to the logits [groups x rows, columns] of the last `rows` of `columns` positions."""
    with torch.inference_mode(False):  # it is kept, and may be met again where a gradient is wanted
        seen = torch.ones((rows, columns), dtype=torch.bool, device=device).tril(columns - rows)
        if window:
            seen = seen.triu(columns - rows - window + 1)
        return torch.zeros(seen.shape, dtype=dtype, device=device).masked_fill(~seen, -torch.inf).repeat(groups, 1)
