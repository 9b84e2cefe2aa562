"""Rewards of a backbone with a linear head: what sequence classifiers and the untrained baseline have in common."""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from themis.progress import track
from themis.prompting.chat import Chat, ForgedMarkup
from themis.prompting.criteria import system_prompt_for
from themis.prompting.packing import PackedPair, batches, pack
from themis.score.cache import BatchCache
from themis.score.forward import can_share_prefix, cost, last_states
from themis.score.protocol import NOT_A_NUMBER, OUT_OF_MEMORY, SPECIAL_TOKEN, TOO_LONG, Pair, PairScore

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class Limits:
    """How pairs are shown to a model and how many tokens fit: in a conversation, in a forward pass."""

    prompt_mode: str = "criterion"
    max_tokens: int = 4096
    batch_tokens: int = 2048


class LinearHeadScorer:
    """Scores of the last token's hidden state under a linear head in float32.

    `fingerprint` names the weights, `share_prefix` the path of `forward.last_states` (None: shared where the
    architecture allows it).
    """

    def __init__(
        self,
        backbone: Any,
        head: torch.Tensor,  # float32 [hidden]
        chat: Chat,
        limits: Limits,
        *,
        fingerprint: str,
        cache: Path | None = None,
        share_prefix: bool | None = None,
    ) -> None:
        self.backbone = backbone
        self.head = head.float().to(backbone.device)
        self.chat = chat
        self.limits = limits
        self.share_prefix = can_share_prefix(backbone) if share_prefix is None else share_prefix
        context = getattr(backbone.config.get_text_config(), "max_position_embeddings", None)
        self._longest = min(limits.max_tokens, context or limits.max_tokens)
        self._fingerprint = _environment(fingerprint, backbone, share_prefix=self.share_prefix)
        self._cache = BatchCache(cache)

    def score(self, pairs: Sequence[Pair]) -> Iterator[tuple[str, PairScore]]:
        """Tokenise every pair, then score them batch by batch; a batch found in the cache is not computed again.

        Batches are formed from all pairs, by length and id, so that a resumed run computes the same batches.
        """
        missing: dict[str, PairScore] = {}
        packed: dict[str, PackedPair] = {}
        for pair in track(sorted(pairs, key=lambda pair: pair.id), "tokenise", len(pairs), "pair"):
            ids = self._pack(pair)
            if isinstance(ids, PackedPair):
                packed[pair.id] = ids
            else:
                missing[pair.id] = PairScore(missing_reason=ids)
        return itertools.chain(missing.items(), self._score_packed(packed))

    def _score_packed(self, packed: dict[str, PackedPair]) -> Iterator[tuple[str, PairScore]]:
        names, rows = list(packed), list(packed.values())
        for group in batches([self._cost(row) for row in rows], self.limits.batch_tokens):
            scores = self._cached([rows[index] for index in group])
            yield from zip((names[index] for index in group), scores, strict=True)

    def _pack(self, pair: Pair) -> PackedPair | str:
        system = system_prompt_for(self.limits.prompt_mode, pair.criterion)
        try:
            packed = pack(self.chat, system, pair.prompt, pair.chosen, pair.rejected)
        except ForgedMarkup:
            return SPECIAL_TOKEN
        return TOO_LONG if max(packed.chosen, packed.rejected) > self._longest else packed

    def _cost(self, pair: PackedPair) -> int:
        return cost(pair, share_prefix=self.share_prefix)

    def _cached(self, batch: Sequence[PackedPair]) -> list[PairScore]:
        key = self._key(batch)
        scores = self._cache.get(key)
        if scores is None:
            scores = self._compute(batch, sum(self._cost(pair) for pair in batch))
            # A pair that did not fit in memory today may fit tomorrow.
            if all(score.missing_reason in (None, NOT_A_NUMBER) for score in scores):
                self._cache.put(key, scores)
        return scores

    def _key(self, batch: Sequence[PackedPair]) -> str:
        digest = hashlib.sha256(self._fingerprint.encode())
        for pair in batch:
            digest.update(f"\x1f{len(pair)} {pair.shared} {pair.chosen} ".encode() + pair.ids.tobytes())
        return digest.hexdigest()

    def _compute(self, batch: Sequence[PackedPair], budget: int) -> list[PairScore]:
        """Scores of a batch in its order; where memory runs out, of its parts at half the budget, down to one pair."""
        try:
            rewards = self._rewards(batch)
        except (RuntimeError, MemoryError) as error:
            if not _is_out_of_memory(error):
                raise
        else:
            return [PairScore.of(chosen, rejected) for chosen, rejected in rewards.tolist()]
        _release()
        if len(batch) == 1:
            return [PairScore(missing_reason=OUT_OF_MEMORY)]
        scores: dict[int, PairScore] = {}
        for group in batches([self._cost(pair) for pair in batch], budget // 2):
            scores |= zip(group, self._compute([batch[index] for index in group], budget // 2), strict=True)
        return [scores[index] for index in range(len(batch))]

    def _rewards(self, batch: Sequence[PackedPair]) -> torch.Tensor:
        """Rewards of chosen and rejected, float32 [pairs, 2]."""
        states = last_states(self.backbone, batch, self.chat.pad_id, share_prefix=self.share_prefix)
        rewards = states.float() @ self.head
        for row, pair in enumerate(batch):
            if np.array_equal(pair.ids[pair.shared : pair.chosen], pair.ids[pair.chosen :]):
                rewards[row, 1] = rewards[row, 0]  # one conversation, one score: rounding must not break the tie
        return rewards.cpu()


def _environment(fingerprint: str, backbone: Any, *, share_prefix: bool) -> str:
    """Whatever besides the pairs of a batch changes the bits of its scores."""
    import torch
    import transformers

    parts = (
        fingerprint,
        backbone.dtype,
        backbone.device.type,
        share_prefix,
        torch.__version__,
        transformers.__version__,
    )
    return " ".join(str(part) for part in parts)


def _is_out_of_memory(error: Exception) -> bool:
    import torch

    said = str(error).lower()
    return isinstance(error, MemoryError | torch.OutOfMemoryError) or any(
        words in said for words in ("out of memory", "can't allocate memory", "not enough memory")
    )


def _release() -> None:
    import torch

    if torch.cuda.is_available():
        torch.cuda.empty_cache()
