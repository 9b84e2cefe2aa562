"""Next-token logits and decoding over a left-padded batch whose common beginning is computed once."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import torch

if TYPE_CHECKING:
    from transformers import PreTrainedModel


@dataclass(frozen=True)
class Sampling:
    """How one row is continued, as a Request says it; the seed alone decides, whatever the batch."""

    max_new_tokens: int
    temperature: float
    top_p: float
    seed: int
    logprobs: int


class Prefix:
    """The keys and values of the token ids that every row of every batch begins with."""

    def __init__(self, model: PreTrainedModel, ids: Sequence[int]) -> None:
        self.length = len(ids)
        self._model = model
        self._cache: Any = None
        if ids:
            with torch.inference_mode():
                row = torch.tensor([list(ids)], device=model.device)
                self._cache = model(input_ids=row, use_cache=True, logits_to_keep=1).past_key_values

    def rows(self, count: int) -> Any:
        """A cache of its own for a batch of `count` rows."""
        from transformers import DynamicCache

        if self._cache is None:
            return DynamicCache(config=self._model.config)
        cache = copy.deepcopy(self._cache)
        cache.batch_repeat_interleave(count)
        return cache


class Batch:
    """Rows of token ids that follow a prefix, padded on the left, and their state while they grow."""

    def __init__(self, model: PreTrainedModel, prefix: Prefix, rests: Sequence[Sequence[int]], pad_id: int) -> None:
        self._model, self._device = model, model.device
        length = max(len(rest) for rest in rests)
        self._next = torch.full((len(rests), length), pad_id, dtype=torch.int64)
        self._mask = torch.ones((len(rests), prefix.length + length), dtype=torch.int64)
        self._positions = torch.zeros((len(rests), length), dtype=torch.int64)
        for row, rest in enumerate(rests):
            padding = length - len(rest)
            self._next[row, padding:] = torch.tensor(rest)
            self._mask[row, prefix.length : prefix.length + padding] = 0
            self._positions[row, padding:] = torch.arange(prefix.length, prefix.length + len(rest))
        self._cache = prefix.rows(len(rests))

    def logits(self) -> torch.Tensor:
        """Logits of the token after the last, float32 [rows, vocabulary]."""
        with torch.inference_mode():
            answer = self._model(
                input_ids=self._next.to(self._device),
                attention_mask=self._mask.to(self._device),
                position_ids=self._positions.to(self._device),
                past_key_values=self._cache,
                use_cache=True,
                logits_to_keep=1,
            )
        return answer.logits[:, -1].float().cpu()

    def append(self, tokens: Sequence[int]) -> None:
        """Let each row go on with one token."""
        self._next = torch.tensor([[token] for token in tokens])
        self._mask = torch.cat([self._mask, torch.ones((len(tokens), 1), dtype=torch.int64)], dim=1)
        self._positions = self._positions[:, -1:] + 1


@dataclass
class Continuation:
    """New ids of a row without the one that ended it, and whether one did; else the length did.

    Where asked for: the log-probability of each id, and of the likeliest ids in its place, before temperature.
    """

    ids: list[int] = field(default_factory=list)
    stopped: bool = False
    logprobs: list[tuple[float, list[tuple[int, float]]]] = field(default_factory=list)


def decode(batch: Batch, rows: Sequence[Sampling], stop_ids: frozenset[int]) -> list[Continuation]:
    """Continue every row up to one of `stop_ids` or its length."""
    generators = [torch.Generator().manual_seed(row.seed) for row in rows]
    written = [Continuation() for _ in rows]
    while True:
        logits = batch.logits()
        tokens = [_pick(logits[i], row, generators[i]) for i, row in enumerate(rows)]
        for i, (row, going) in enumerate(zip(rows, written, strict=True)):
            if going.stopped or len(going.ids) >= row.max_new_tokens:
                continue
            if tokens[i] in stop_ids:
                going.stopped = True
                continue
            going.ids.append(tokens[i])
            if row.logprobs:
                going.logprobs.append(_logprobs(logits[i], tokens[i], row.logprobs))
        if all(going.stopped or len(going.ids) >= row.max_new_tokens for row, going in zip(rows, written, strict=True)):
            return written
        batch.append(tokens)


def _pick(logits: torch.Tensor, row: Sampling, generator: torch.Generator) -> int:
    if row.temperature == 0:
        return int(logits.argmax())
    weights = torch.softmax(logits.double() / row.temperature, dim=-1)
    if row.top_p < 1:
        values, order = weights.sort(descending=True, stable=True)
        # A token stays while those likelier than it hold less than top_p; the likeliest always does.
        weights[order[values.cumsum(dim=-1) - values >= row.top_p]] = 0
    cumulative = weights.cumsum(dim=-1)
    point = torch.rand(1, generator=generator, dtype=torch.float64) * cumulative[-1]
    return min(int(torch.searchsorted(cumulative, point, right=True)), len(logits) - 1)


def _logprobs(logits: torch.Tensor, token: int, count: int) -> tuple[float, list[tuple[int, float]]]:
    values = torch.log_softmax(logits.double(), dim=-1)
    likeliest = values.topk(min(count, len(values)))
    return float(values[token]), list(zip(likeliest.indices.tolist(), likeliest.values.tolist(), strict=True))
